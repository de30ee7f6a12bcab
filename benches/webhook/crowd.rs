//! Very many requests that wait for one endpoint, which is asked.

use std::io::BufRead as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use approvals::Sqlite;
use approvals::transport::{Reqwest, Transport as _};
use bytes::Bytes;
use http::Request;

use super::endpoint::Counts;
use super::folder::Folder;
use super::{agent, asked, webhook};

/// Makes this program the endpoint.
pub(crate) const ENDPOINT: &str = "--endpoint";

pub(crate) async fn measure(quick: bool) -> Result<()> {
    let (crowd, wait) = if quick { (1_000, 5) } else { (10_000, 60) };
    let folder = Folder::make()?;
    let endpoint = Endpoint::start()?;
    let webhook = webhook(&endpoint.at)?.ask_at(format!("{}/asks", endpoint.at)).build()?;
    let approvals = agent(Sqlite::open(folder.path().join("crowd.db")).await?, webhook).await?;
    // Whatever is made once is made now, and is no part of what many cost.
    let first = approvals.spawn(asked("customers", crowd));
    endpoint.until(|counts| counts.named == 1).await?;
    endpoint.post("decide").await?;
    first.await??;
    endpoint.until(|counts| counts.held == 0).await?;

    let before = Process::now()?;
    let (begun, counts_before) = (Instant::now(), endpoint.counts().await?);
    let calls: Vec<_> = (0..crowd).map(|turn| approvals.spawn(asked("customers", turn))).collect();
    // A card counts once it is asked about: then it can be answered.
    let all = endpoint.until(|counts| counts.held == 1 && counts.named == crowd).await?;
    let took = begun.elapsed();
    println!("{crowd} requests, one asking loop, the ledger on SQLite");
    println!("  from the calls to a question with all of them    {:.2} s", took.as_secs_f64());
    println!(
        "  cards that went out                              {:.0} a second",
        crowd as f64 / took.as_secs_f64()
    );
    println!(
        "  questions meanwhile                              {}",
        all.questions - counts_before.questions
    );

    let (waited, counts_before) = (Duration::from_secs(wait), endpoint.counts().await?);
    let (cpu, peak) = (Process::now()?, Process::now()?.peak);
    tokio::time::sleep(waited).await;
    let (settled, counts) = (Process::now()?, endpoint.counts().await?);
    let questions = (counts.questions - counts_before.questions) as f64 / waited.as_secs_f64();
    println!("  while nobody decides, for {wait} s:");
    println!("    questions that go out                          {questions:.3} a second");
    println!("    bytes of each                                  {}", counts.bytes);
    println!(
        "    processor's time                               {:.2} % of a core",
        settled.busy_since(&cpu, waited)
    );
    let each = |bytes: usize| bytes.saturating_sub(before.resident) as f64 / crowd as f64;
    println!("  memory of each, its caller's task included       {:.0} bytes", each(settled.resident));
    println!("  the same at the most, while cards went out       {:.0} bytes", each(peak));
    println!(
        "  tasks beside those of the callers                {}",
        settled.tasks.saturating_sub(before.tasks + crowd)
    );
    println!(
        "  threads more than before                         {}",
        settled.threads.saturating_sub(before.threads)
    );

    let (begun, counts_before) = (Instant::now(), endpoint.counts().await?);
    endpoint.post("decide").await?;
    let mut last = begun;
    for call in calls {
        last = last.max(call.await??);
    }
    let took = last.saturating_duration_since(begun);
    let questions = endpoint.counts().await?.questions - counts_before.questions;
    println!("  from all verdicts to the last body               {:.2} s", took.as_secs_f64());
    println!(
        "  bodies that started                              {:.0} a second",
        crowd as f64 / took.as_secs_f64()
    );
    println!("  questions that brought them                      {questions}");
    Ok(approvals.shutdown().await?)
}

/// The endpoint, in a process of its own.
struct Endpoint {
    process: Child,
    at: String,
    client: Reqwest,
}

impl Endpoint {
    fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.arg(ENDPOINT).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut at = String::new();
        let out = process.stdout.take().context("the endpoint says nothing")?;
        std::io::BufReader::new(out).read_line(&mut at)?;
        Ok(Self { process, at: at.trim().to_owned(), client: Reqwest::new()? })
    }

    async fn post(&self, path: &str) -> Result<Bytes> {
        let answer =
            self.client.send(Request::post(format!("{}/{path}", self.at)).body(Bytes::new())?).await?;
        ensure!(answer.status().is_success(), "the endpoint says {}", answer.status());
        Ok(answer.into_body())
    }

    async fn counts(&self) -> Result<Counts> {
        let [cards, decided, questions, held, named, bytes, newest] =
            serde_json::from_slice::<[usize; 7]>(&self.post("counts").await?)?;
        Ok(Counts { cards, decided, questions, held, named, bytes, newest })
    }

    /// Asks every 20 ms, which costs nothing beside what is measured.
    async fn until(&self, wanted: impl Fn(&Counts) -> bool) -> Result<Counts> {
        let begun = Instant::now();
        loop {
            let counts = self.counts().await?;
            if wanted(&counts) {
                return Ok(counts);
            }
            ensure!(begun.elapsed() < Duration::from_secs(300), "waited for nothing: {counts:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What this process takes of the machine; nothing but tasks where there is no `/proc` of Linux.
#[derive(Clone, Copy)]
struct Process {
    resident: usize,
    peak: usize,
    threads: usize,
    tasks: usize,
    /// Time of the processor, in hundredths of a second.
    busy: u64,
}

impl Process {
    fn now() -> Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(0)
        };
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // proc_pid_stat(5): the 14th and 15th fields, counted from behind the name, which may hold spaces.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        Ok(Self {
            resident: number("VmRSS:") * 1024,
            peak: number("VmHWM:") * 1024,
            threads: number("Threads:"),
            tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
            busy: fields.filter_map(|field| field.parse::<u64>().ok()).sum(),
        })
    }

    /// In per cent of a core.
    fn busy_since(&self, before: &Self, time: Duration) -> f64 {
        (self.busy - before.busy) as f64 / time.as_secs_f64()
    }
}
