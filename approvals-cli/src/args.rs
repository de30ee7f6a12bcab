//! What can be said on the command line.

use std::path::PathBuf;

use approvals::desk::Seen;
use approvals::state::Phase;
#[cfg(feature = "webhook")]
use approvals::webhook::signature::{InvalidKey, VerifyingKey};

/// The most of a comment that the desk keeps, in bytes.
const COMMENT: usize = 4096;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  error; to answer again is safe
  2  wrong usage
  3  refused or not counted; the reason is recorded. For `manifest diff`: they differ
  4  there is no such request
  5  doctor, check-backend: something is wrong";

const EXAMPLES: &str = "\
Examples:
  approvals list
  approvals show 0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e
  approvals approve 0192f0c1-7a3e --digest 4f2a9c01d3e7
  approvals deny 0192f0c1-7a3e --comment 'wrong dataset'
  approvals cancel 0192f0c1-7a3e --reason 'superseded by INC-8'
  approvals log --follow --json | jq .event
  approvals doctor
  approvals manifest diff old.json approvals.json";

const ABOUT: &str = "\
Lists, shows and decides the requests that wait in a store.

It reads and writes the same file as the agents that ask. You answer as the user
that the operating system says you are; `people.toml` says which person that is.
Requests can be answered here only if the agent was set up with
`.open_to_store()`, and the requester's own approval never counts.";

const CANCEL: &str = "\
Print the card of a request of your own and take it back.

For the requester: the owner of the agent, or the human that it acts for. It works
while the request is pending or approved; once its body was claimed, nothing can be
taken back. The agent that waits is told who and why. A call with a key asks anew
when it is made again; after a denial it stays refused.

Anyone else denies instead: `approvals deny ID`.";

const DOCTOR: &str = "\
Look at the store, the people and what waits, and say what is wrong and what to do
about it. It changes nothing.

It looks at the files (who may read and write them, the key, the disk), at what
SQLite and the ledger say (damage, histories, clocks, processes that ended without a
word, runs that nobody can tell of), at the people (who you are, groups without
people, owners that nobody knows) and at what waits (requests that nobody could ever
approve). What only the agent knows, such as whether its backends answer, its own
`approvals.doctor()` says.

It ends with 5 if there is a problem, with 0 if there are warnings at most.";

#[cfg(feature = "webhook")]
const CHECK_BACKEND: &str = "\
Look whether an endpoint that is sent cards by webhook keeps the protocol of
docs/webhook.md, and say of each rule whether it does and what to do. Opens no store.

The endpoint is sent checks, cards marked `test` that nobody waits for, and what it
must refuse: forged, stale, malformed and oversized messages. Cards that it takes are
withdrawn. What people see there, and who they are, cannot be told from here. With
`--ask-at URL` it is also asked, soundly and not; answer the card of the check while
it is held (`--hold 25`), and the decision that comes back is judged too.

The key is the one that agents sign with: in a file of its own (`--key FILE`), or in
the variable APPROVALS_WEBHOOK_KEY.

It ends with 5 if a rule is broken.";

const COMPLETIONS: &str = "\
Print what completes the words of this program in a shell.

  bash  approvals completions bash > ~/.local/share/bash-completion/completions/approvals
  zsh   approvals completions zsh > _approvals   (in a folder of $fpath)
  fish  approvals completions fish > ~/.config/fish/completions/approvals.fish";

const MAN: &str = "\
Print the manual page of this program, in roff.

  approvals man --all | man -l -
  approvals man --all > /usr/local/share/man/man1/approvals.1";

/// Lists, shows and decides the requests that wait in a store
#[derive(Debug, clap::Parser)]
#[command(name = "approvals", version, long_about = ABOUT, after_help = EXIT_CODES)]
#[command(after_long_help = format!("{EXIT_CODES}\n\n{EXAMPLES}"))]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every verb takes, before or after it.
#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// The file that the agents keep their ledger in
    #[arg(long, global = true, value_name = "PATH", env = "APPROVALS_STORE", default_value = "approvals.db")]
    pub(crate) store: PathBuf,
    /// The people who may decide [default: people.toml beside the store]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) people: Option<PathBuf>,
    /// Print JSON: `list` one array, `log` one object per line, the others one object
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Global {
    /// Where the people are.
    pub(crate) fn people(&self) -> PathBuf {
        self.people.clone().unwrap_or_else(|| self.store.with_file_name("people.toml"))
    }
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// List what waits: pending requests first, then what was approved or runs, the newest on top
    List(List),
    /// Show the whole card of a request and everything that happened to it
    Show {
        /// The request's id, or the first 8 or more characters of it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Print the card of a request and say yes to exactly that
    Approve(Review),
    /// Print the card of a request and say no; also possible after an approval
    Deny(Review),
    /// Print the card of a request of your own and take it back
    #[command(long_about = CANCEL)]
    Cancel(Cancel),
    /// Say what became of a run that was cut off: its machine died, and nobody else can tell
    Reconcile(Reconcile),
    /// Print every record of the ledger, oldest first
    Log(Log),
    /// Copy the ledger into a new file, also while agents use it; the key is not copied
    Backup {
        /// The new file; nothing may have that name
        #[arg(value_name = "TO")]
        to: PathBuf,
    },
    /// Compare what programs say about their gates; needs no store
    #[command(subcommand)]
    Manifest(ManifestVerb),
    /// Look whether an endpoint keeps the webhook protocol; needs no store
    #[cfg(feature = "webhook")]
    #[command(long_about = CHECK_BACKEND)]
    CheckBackend(Box<CheckBackend>),
    /// Look at the store, the people and what waits, and say what is wrong and what to do about it
    #[command(long_about = DOCTOR)]
    Doctor,
    /// Print what completes the words of this program in a shell
    #[command(long_about = COMPLETIONS)]
    Completions {
        /// The shell that it is for
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Print the manual page of this program, in roff
    #[command(long_about = MAN)]
    Man(Man),
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ManifestVerb {
    /// Tell what changed from one stored manifest to another, and what of it weakens a gate
    Diff {
        /// The manifest as it was, as `Manifest::write` wrote it
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// The manifest as it is
        #[arg(value_name = "NEW")]
        new: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Also list what is over
    #[arg(long, conflicts_with = "states")]
    pub(crate) all: bool,
    /// Only requests in these states, such as `pending,denied`
    #[arg(long = "state", value_name = "STATE", value_delimiter = ',', value_parser = phase)]
    pub(crate) states: Vec<Phase>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Review {
    /// The request's id, or the first 8 or more characters of it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Count the answer only if the request's digest begins with these 8 or more digits
    #[arg(long, value_name = "PREFIX", value_parser = digest)]
    pub(crate) digest: Option<String>,
    /// What you say about it, at most 4 KiB; kept in the ledger
    #[arg(long, value_name = "TEXT", value_parser = comment, allow_hyphen_values = true)]
    pub(crate) comment: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Cancel {
    /// The request's id, or the first 8 or more characters of it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Take it back only if the request's digest begins with these 8 or more digits
    #[arg(long, value_name = "PREFIX", value_parser = digest)]
    pub(crate) digest: Option<String>,
    /// Why, at most 4 KiB; kept in the ledger, and told to the agent
    #[arg(long, value_name = "TEXT", value_parser = comment, allow_hyphen_values = true)]
    pub(crate) reason: String,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("outcome").required(true))]
pub(crate) struct Reconcile {
    /// The request's id, or the first 8 or more characters of it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// You checked: it ran to its end
    #[arg(long, group = "outcome")]
    pub(crate) ran: bool,
    /// You checked: it did nothing, and never will; the same key may then ask again
    #[arg(long, group = "outcome")]
    pub(crate) did_not_run: bool,
    /// How you know, at most 4 KiB; kept in the ledger
    #[arg(long, value_name = "TEXT", value_parser = comment, allow_hyphen_values = true)]
    pub(crate) reason: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Log {
    /// Go on with what is written from now on, until Ctrl-C
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only records past this place in the ledger
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub(crate) after: u64,
    /// Leave out arguments, comments, names and other text that stands beside the records
    #[arg(long)]
    pub(crate) no_payload: bool,
}

#[cfg(feature = "webhook")]
#[derive(Debug, clap::Args)]
pub(crate) struct CheckBackend {
    /// Where the endpoint is sent cards: `https`, or `http` on this machine
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// The file with the key that agents sign with [default: the variable APPROVALS_WEBHOOK_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Longest time for one answer, 1 to 60
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) timeout: u64,
    /// Also look at where the endpoint is asked for decisions
    #[arg(long, value_name = "URL")]
    pub(crate) ask_at: Option<String>,
    /// How long a question may be held, 0 to 25: longer, to answer the card of the check meanwhile
    #[arg(long, value_name = "SECONDS", default_value_t = 2, requires = "ask_at", value_parser = clap::value_parser!(u64).range(0..=25))]
    pub(crate) hold: u64,
    /// The public key (`whpk_...`) that decisions are verified with
    #[arg(long, value_name = "KEY", requires = "ask_at", value_parser = public_key)]
    pub(crate) verify_with: Option<PublicKey>,
    /// Trust the certificate authority in this file (PEM) as well
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Option<PathBuf>,
    /// Send CloudEvents from this source, such as `//ops.example/deploy-bot`
    #[arg(long, value_name = "SOURCE")]
    pub(crate) cloud_events: Option<String>,
    /// Also send over `http` to another machine: whoever is on the way reads along
    #[arg(long)]
    pub(crate) insecure_http: bool,
    // Of every verb, and of no use to this one.
    #[arg(long, hide = true)]
    store: Option<PathBuf>,
    #[arg(long, hide = true)]
    people: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// One page with a section for each verb
    #[arg(long, conflicts_with = "verb")]
    pub(crate) all: bool,
    /// The page of this verb alone
    #[arg(value_name = "VERB")]
    pub(crate) verb: Vec<String>,
}

fn phase(text: &str) -> Result<Phase, String> {
    Phase::from_name(text).filter(|phase| *phase != Phase::None).ok_or_else(|| {
        let known = Phase::ALL.iter().filter(|phase| **phase != Phase::None);
        format!("it is one of {}", known.map(|phase| phase.as_str()).collect::<Vec<_>>().join(", "))
    })
}

fn digest(text: &str) -> Result<String, String> {
    let hexadecimal = text.chars().all(|c| c.is_ascii_hexdigit());
    if hexadecimal && (Seen::MIN_PREFIX..=64).contains(&text.len()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("give {} to 64 hexadecimal digits, as the card shows them", Seen::MIN_PREFIX))
    }
}

/// The desk would cut a longer one.
fn comment(text: &str) -> Result<String, String> {
    match text.len() {
        0 => Err("it is empty; say something, or leave the option out".to_owned()),
        1..=COMMENT => Ok(text.to_owned()),
        bytes => Err(format!("it has {bytes} bytes, {COMMENT} are kept; say it in fewer words")),
    }
}

/// A key, or why it is none. That is told when the key is needed: whoever refuses a word of the command line quotes it,
/// and a secret that was given by mistake would stand in a log.
#[cfg(feature = "webhook")]
#[derive(Debug, Clone)]
pub(crate) struct PublicKey(pub(crate) Result<VerifyingKey, String>);

/// A secret on the command line is everybody's on this machine.
#[cfg(feature = "webhook")]
fn public_key(text: &str) -> Result<PublicKey, std::convert::Infallible> {
    let read = match text.starts_with("whpk_") {
        true => text.parse().map_err(|error: InvalidKey| error.to_string()),
        false => Err("only a `whpk_` key may be seen by everybody on this machine; give that".to_owned()),
    };
    Ok(PublicKey(read.map_err(|why| format!("`--verify-with` holds no key to verify with: {why}"))))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Args::command().debug_assert();
    }
}
