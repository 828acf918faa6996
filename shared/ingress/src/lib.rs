//! The door that `mo` and `dlr` share: who calls, what the request holds, what the caller hears.
//!
//! It knows the two callbacks only by their [`wab_events::Kind`]; parsing and storing are told in the functions.

mod answer;
mod binary;
mod credentials;
mod door;
mod request;
mod run;

pub use answer::{Receipt, Refusal, answer};
pub use binary::binary_content;
pub use credentials::{Credentials, CredentialsError, Unauthorized, Verifier};
pub use door::{Door, Settings};
pub use request::{BEFORE_TIMEOUT, LEAST_TIME_TO_KEEP, TIME_TO_KEEP, read_body};
pub use run::{HttpEvent, run};
