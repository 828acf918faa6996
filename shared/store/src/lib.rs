//! shared/store
