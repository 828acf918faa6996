//! shared/ingress
