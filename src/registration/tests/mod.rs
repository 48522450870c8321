//! The procedure as stories, one for each requirement and each row of the failure table. Test names begin with the
//! requirement's id, or with `failures` and the row.

mod flow;
mod function;
mod network;
mod requests;
