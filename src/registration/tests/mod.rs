//! The procedure as stories, one for each requirement and each row of the failure table. Test names begin with the
//! requirement's id, or with `failures` and the row.

mod access;
mod app_server;
mod chaos;
mod configuration;
mod faults;
mod flow;
mod function;
mod lifecycle;
mod moves;
mod network;
mod order;
mod ownership;
mod requests;
mod users;
