//! The certificate of the stack's domain.

use aws_config::SdkConfig;
use aws_sdk_acm::types::{CertificateType, RenewalStatus};
use jiff::Timestamp;

use crate::aws::Unavailable;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) last_day: Option<Timestamp>,
    /// ACM renews its own certificates, not imported ones.
    pub(crate) is_imported: bool,
    /// ACM tried to renew it, and failed or waits for someone.
    pub(crate) is_renewal_stuck: bool,
}

impl Certificate {
    pub(crate) async fn read(sdk: &SdkConfig, arn: &str) -> Result<Self, Unavailable> {
        let described = aws_sdk_acm::Client::new(sdk).describe_certificate().certificate_arn(arn).send().await;
        let described = described.map_err(Unavailable::new("cannot read the certificate"))?;
        let certificate = described.certificate();
        let renewal = certificate.and_then(|certificate| certificate.renewal_summary());
        Ok(Self {
            last_day: certificate
                .and_then(|certificate| certificate.not_after())
                .and_then(|at| Timestamp::from_second(at.secs()).ok()),
            is_imported: certificate.and_then(|certificate| certificate.r#type()) == Some(&CertificateType::Imported),
            is_renewal_stuck: renewal.is_some_and(|renewal| {
                matches!(renewal.renewal_status(), RenewalStatus::Failed | RenewalStatus::PendingValidation)
            }),
        })
    }
}
