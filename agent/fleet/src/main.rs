//! The `weir-fleet` program: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    weir_fleet::cli::main(std::env::args_os())
}
