//! Somebody who does the work of a workload once a round: Cornu, or a peer.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

/// What a contestant is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Question {
    /// To do the work once: the result in the workload's unit.
    Round,
    /// How many bytes a step allocates; only Cornu knows.
    Allocated,
}

impl Question {
    /// The line that companions are asked with.
    fn line(self) -> &'static str {
        match self {
            Question::Round => "go",
            Question::Allocated => "allocated",
        }
    }
}

/// A name, and what it answers.
pub(crate) struct Contestant {
    pub(crate) name: String,
    /// What it says of itself.
    pub(crate) version: Option<String>,
    /// The number of its process, if it has one that stays.
    process: Option<u32>,
    answer: Box<dyn FnMut(Question) -> Result<f64, String>>,
}

impl Contestant {
    /// Does its work in this process.
    pub(crate) fn new(
        name: impl Into<String>,
        answer: impl FnMut(Question) -> Result<f64, String> + 'static,
    ) -> Contestant {
        Contestant { name: name.into(), version: None, process: None, answer: Box::new(answer) }
    }

    /// Is a program that is started anew in each round: the milliseconds until it ends.
    pub(crate) fn program(name: impl Into<String>, mut command: Command) -> Contestant {
        Contestant::new(name, move |question| {
            if question == Question::Allocated {
                return Err("a program keeps what it allocates to itself".to_string());
            }
            let begun = Instant::now();
            let output = command.stdout(Stdio::null()).output().map_err(|error| error.to_string())?;
            let elapsed = begun.elapsed().as_secs_f64() * 1e3;
            if output.status.success() { Ok(elapsed) } else { Err(last_line(&output.stderr)) }
        })
    }

    /// Is a program that stays: it says `ready` and perhaps its version when it is warm, and a number for each line it
    /// is given.
    pub(crate) fn companion(name: impl Into<String>, mut command: Command) -> Result<Contestant, String> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut companion = Companion::new(child.map_err(|error| error.to_string())?)?;
        let line = companion.line()?;
        let version =
            line.strip_prefix("ready").ok_or_else(|| format!("it said `{line}` in place of `ready`"))?.trim();
        let version = (!version.is_empty()).then(|| version.to_string());
        companion.signal("STOP");
        let process = Some(companion.child.id());
        Ok(Contestant { version, process, ..Contestant::new(name, move |question| companion.ask(question)) })
    }

    /// Is such a program for another: answers each line that it is given, until there are no more.
    pub(crate) fn serve(mut self) -> Result<(), String> {
        println!("ready cornu {}", env!("CARGO_PKG_VERSION"));
        for line in std::io::stdin().lines() {
            let line = line.map_err(|error| error.to_string())?;
            let is_allocated = line == Question::Allocated.line();
            let question = if is_allocated { Question::Allocated } else { Question::Round };
            match self.ask(question) {
                // Not everybody knows; the one who asks sees that this is no number.
                Err(_) if is_allocated => println!("unknown"),
                answer => println!("{}", answer?),
            }
        }
        Ok(())
    }

    /// The same without a process whose memory would be its own.
    pub(crate) fn without_process(self) -> Contestant {
        Contestant { process: None, ..self }
    }

    /// The most memory that its process ever held, in bytes, where the system tells.
    pub(crate) fn peak_rss(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(1024 * line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?)
    }

    /// Answers a question.
    pub(crate) fn ask(&mut self, question: Question) -> Result<f64, String> {
        (self.answer)(question)
    }
}

/// A process that is asked line by line, and ended when nobody asks any more.
struct Companion {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Companion {
    fn new(mut child: Child) -> Result<Companion, String> {
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (questions, answers) = pipes.ok_or("its pipes are missing")?;
        Ok(Companion { child, questions, answers: BufReader::new(answers) })
    }

    /// Asks, while nobody else runs: between its turns a companion stands still, so that its threads, which may turn
    /// while they wait for work, take no time from those whose turn it is.
    fn ask(&mut self, question: Question) -> Result<f64, String> {
        self.signal("CONT");
        let answer = self.answer(question);
        self.signal("STOP");
        answer
    }

    /// Sends a signal to its process, where there are signals.
    fn signal(&self, name: &str) {
        if cfg!(unix) {
            // Where that fails, it runs on as it did before.
            let _ = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        }
    }

    fn answer(&mut self, question: Question) -> Result<f64, String> {
        writeln!(self.questions, "{}", question.line())
            .and_then(|()| self.questions.flush())
            .map_err(|error| error.to_string())?;
        let answer = self.line()?;
        answer.parse().map_err(|_| format!("it said `{answer}` in place of a number"))
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line).map_err(|error| error.to_string())? {
            0 => Err("it ended without an answer; run it by hand to see why".to_string()),
            _ => Ok(line.trim().to_string()),
        }
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        // It may have ended by itself, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn last_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it failed without a word").to_string()
}
