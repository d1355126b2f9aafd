//! An engine without a host: compute systems as entries of a table.
