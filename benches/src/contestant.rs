//! Somebody who does the work of a workload once a round: Cornu, or a peer.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

/// A name, and what it does in a round: the result in the workload's unit.
pub(crate) struct Contestant {
    pub(crate) name: String,
    work: Box<dyn FnMut() -> Result<f64, String>>,
}

impl Contestant {
    /// Does its work in this process.
    pub(crate) fn new(
        name: impl Into<String>,
        work: impl FnMut() -> Result<f64, String> + 'static,
    ) -> Contestant {
        Contestant { name: name.into(), work: Box::new(work) }
    }

    /// Is a program that is started anew in each round: the milliseconds until it ends.
    pub(crate) fn program(name: impl Into<String>, mut command: Command) -> Contestant {
        Contestant::new(name, move || {
            let begun = Instant::now();
            let output = command.stdout(Stdio::null()).output().map_err(|error| error.to_string())?;
            let elapsed = begun.elapsed().as_secs_f64() * 1e3;
            if output.status.success() { Ok(elapsed) } else { Err(last_line(&output.stderr)) }
        })
    }

    /// Is a program that stays: it says `ready` when it is warm, and a number for each line it is given.
    pub(crate) fn companion(name: impl Into<String>, mut command: Command) -> Result<Contestant, String> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut companion = Companion::new(child.map_err(|error| error.to_string())?)?;
        match companion.line()?.as_str() {
            "ready" => Ok(Contestant::new(name, move || companion.round())),
            other => Err(format!("it said `{other}` in place of `ready`")),
        }
    }

    /// The same under another name.
    pub(crate) fn named(self, name: &str) -> Contestant {
        Contestant { name: name.to_string(), ..self }
    }

    /// Does the work once.
    pub(crate) fn round(&mut self) -> Result<f64, String> {
        (self.work)()
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

    fn round(&mut self) -> Result<f64, String> {
        self.questions
            .write_all(b"go\n")
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
