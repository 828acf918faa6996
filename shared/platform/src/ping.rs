//! A call at init that opens a connection, so that the first invocation doesn't have to.

use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// The maximum time for a ping. The first callback waits for init, so a silent service must not delay it for long. A
/// failed ping has no consequences.
const PING_TIME: Duration = Duration::from_millis(500);

/// Awaits a call with [`Ping`] for a limited time. The result is ignored: `/ping` doesn't answer the call.
pub async fn ping<T>(call: impl Future<Output = T>) {
    let _ = tokio::time::timeout(PING_TIME, call).await;
}

/// Turns any AWS call into a `GET /ping`, which AWS endpoints answer without a permission and without an effect. The call
/// is still serialised, resolved to an endpoint and signed, and it leaves a warm connection in the pool.
///
/// Lambda runs init at full speed and invocations at their memory's share of a core, so the cost of a first call is
/// lowest at init.
#[derive(Debug)]
pub struct Ping;

#[dyn_dispatch_hint]
impl Intercept for Ping {
    fn name(&self) -> &'static str {
        "Ping"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let uri: http::Uri = context.request().uri().parse()?;
        let origin = uri.scheme_str().zip(uri.authority()).ok_or("the endpoint is not a URL")?;
        *context.request_mut() = HttpRequest::get(format!("{}://{}/ping", origin.0, origin.1))?;
        Ok(())
    }
}
