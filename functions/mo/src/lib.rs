//! mo
