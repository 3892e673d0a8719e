//! Arguments to runtime to exit code; everything else is the library's.

use std::io::{self, BufWriter};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut out = BufWriter::new(io::stdout());
    let exit = natsight::app::run(
        std::env::args_os(),
        std::env::vars_os(),
        &mut out,
        &mut io::stderr(),
    );
    ExitCode::from(exit.code())
}
