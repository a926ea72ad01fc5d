//! The binary: hands everything to the library.

fn main() -> std::process::ExitCode {
    twoticks::run(std::env::args_os())
}
