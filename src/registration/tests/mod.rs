//! The procedure as stories, one for each requirement and each row of the failure table. Test names begin with the
//! requirement's id, or with `failures` and the row.

mod app_server;
mod chaos;
mod configuration;
mod faults;
mod flow;
mod function;
mod network;
mod ownership;
mod requests;
mod users;
