//! `approvals completions` and `approvals man`: what is made of the command line's own description.

use std::io;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::args::{Args, Man};
use crate::output::{Exit, Failure, Out};

/// What the program is called, wherever it was started from.
const NAME: &str = "approvals";

pub(crate) fn completions(shell: Shell, out: &Out) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), NAME, &mut script);
    print(script, out)
}

pub(crate) fn man(options: &Man, out: &Out) -> Result<Exit, Failure> {
    let mut program = Args::command().disable_help_subcommand(true);
    program.build();
    let page = match (options.all, options.verb.as_slice()) {
        (true, _) => everything(&program),
        (false, verb) => page(find(&program, verb)?),
    };
    print(page?, out)
}

fn print(made: Vec<u8>, out: &Out) -> Result<Exit, Failure> {
    out.text(&String::from_utf8_lossy(&made))?;
    Ok(Exit::Done)
}

fn find<'a>(program: &'a Command, verb: &[String]) -> Result<&'a Command, Failure> {
    verb.iter().try_fold(program, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let known = command.get_subcommands().map(Command::get_name).collect::<Vec<_>>().join(", ");
            Failure::new(Exit::Usage, format!("there is no verb `{word}`; it is one of {known}"))
        })
    })
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}

/// The page of the program, and after it a section for each verb.
fn everything(program: &Command) -> io::Result<Vec<u8>> {
    let mut whole = page(program)?;
    for verb in leaves(program) {
        let name = verb.get_bin_name().unwrap_or(verb.get_name()).to_uppercase();
        whole.extend_from_slice(format!(".SH \"{name}\"\n").as_bytes());
        let mut sections = Vec::new();
        // What every verb takes stands on the page already.
        let verb = verb.clone().mut_args(|arg| {
            let everywhere = arg.is_global_set() || arg.get_id() == "help";
            arg.hide(everywhere)
        });
        let has_options = verb.get_arguments().any(|arg| !arg.is_hide_set());
        let man = clap_mangen::Man::new(verb);
        man.render_description_section(&mut sections)?;
        man.render_synopsis_section(&mut sections)?;
        if has_options {
            man.render_options_section(&mut sections)?;
        }
        // Each of them begins with the macros of its own document, and is part of a section here.
        for line in String::from_utf8_lossy(&sections).lines() {
            let line =
                line.strip_prefix(".SH ").map_or_else(|| line.to_owned(), |title| format!(".SS {title}"));
            whole.extend_from_slice(line.as_bytes());
            whole.push(b'\n');
        }
    }
    Ok(whole)
}

/// The verbs that do something, those within another one too.
fn leaves(command: &Command) -> Vec<&Command> {
    let within = |verb| match leaves(verb) {
        verbs if verbs.is_empty() => vec![verb],
        verbs => verbs,
    };
    command.get_subcommands().filter(|verb| !verb.is_hide_set()).flat_map(within).collect()
}
