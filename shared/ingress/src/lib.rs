//! What `mo` and `dlr` share: they check and authenticate the caller, admit the request, and answer it.
//!
//! This crate knows the two callbacks only by their [`wab_events::Kind`]. The functions parse and store them.

mod answer;
mod binary_content;
mod credentials;
mod event;
mod inbound;
mod networks;
mod receiver;
mod run;

pub use answer::{Call, Kept, Rejection, answer, answer_probe};
pub use binary_content::binary_content;
pub use credentials::{Caller, Credential, Credentials, CredentialsError, Unauthorized, Verifier, basic_authorization};
pub use event::HttpEvent;
pub use inbound::{ANSWER_TIME, Inbound, MIN_PUT_TIME, PUT_TIME};
pub use networks::Forbidden;
pub use receiver::{Admission, Receiver, Settings};
pub use run::run;
