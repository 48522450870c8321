//! The procedure as stories, one for each requirement and each row of the failure table. Test names begin with the
//! requirement's id.

mod flow;
mod network;
