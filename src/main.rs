//! The program: a supervisor of one command when it is started as such, else the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let _program = args.next();
    if args
        .next()
        .is_some_and(|first| first == runsheet::host::supervise::SUPERVISE)
        && let Some(dir) = args.next()
    {
        let status = runsheet::host::supervise::supervise_main(dir.as_ref());
        return ExitCode::from(u8::try_from(status).unwrap_or(1));
    }
    runsheet::cli::main()
}
