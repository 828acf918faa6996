//! dlr
