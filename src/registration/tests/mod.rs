//! The procedure as stories, one for each requirement and each row of the failure table. Test names begin with the
//! requirement's id, or with `failures` and the row.

mod access;
mod app_server;
mod chaos;
mod configuration;
mod discovery;
mod faults;
mod flow;
mod function;
mod lasting;
mod lifecycle;
mod model_b;
mod moves;
mod network;
mod networks;
mod order;
mod ownership;
mod pc4a;
mod requests;
mod standard;
mod users;
