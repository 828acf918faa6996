//! The first call of a function, made at init.

use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// How long the ping may take. Init is time that the first callback waits, so a service that is silent must not have
/// much of it; a ping that fails costs nothing.
const PING_TIME: Duration = Duration::from_millis(500);

/// Awaits a call with [`Ping`], for a limited time. Its answer is of no interest: it is none to the call.
pub async fn ping<T>(call: impl Future<Output = T>) {
    let _ = tokio::time::timeout(PING_TIME, call).await;
}

/// Makes of any AWS call a `GET /ping`, which AWS's endpoints answer without a permission and without an
/// effect. The call goes all its way all the same: it is serialised, given an endpoint and signed, and leaves a
/// warm connection in the pool.
///
/// Lambda runs init at full speed and an invocation at its memory's share of a core, so whatever a first call
/// costs is cheapest here.
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
        let origin = uri.scheme_str().zip(uri.authority()).ok_or("the endpoint is no URL")?;
        *context.request_mut() = HttpRequest::get(format!("{}://{}/ping", origin.0, origin.1))?;
        Ok(())
    }
}
