//! The binary as people and scripts call it: arguments and input in, output out.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub fn proselink(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proselink"));
    command.args(arguments).stdin(Stdio::null()).env_remove("NO_COLOR").env_remove("PROSELINK_LOG");
    command
}

pub fn run(arguments: &[&str]) -> Output {
    proselink(arguments).output().unwrap()
}

pub fn with_input(arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
    let mut child =
        proselink(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_ref()).unwrap();
    child.wait_with_output().unwrap()
}

pub fn out(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

pub fn err(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

pub fn lines(output: &Output) -> Vec<Value> {
    out(output).lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}
