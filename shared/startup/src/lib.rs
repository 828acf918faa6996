//! shared/startup
