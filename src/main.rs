//! The command line program; all of it is in [`danecheck::cli`].

fn main() -> std::process::ExitCode {
    danecheck::cli::main()
}
