//! The rules between tabs, one by one.
