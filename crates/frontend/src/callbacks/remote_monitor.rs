//! RemoteMonitor: sends the logs of each epoch to a server. Keras: `RemoteMonitor`.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Callback, Training};
use crate::error::Result;
use crate::notice::warn;
use crate::saving::json::{float, print};
use crate::training::Logs;

/// How long a server may take to answer: training waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Posts the logs of each epoch to a server, as JSON in a form's field or by itself. Keras: `RemoteMonitor`.
///
/// It is there with the feature `remote-monitor`, and speaks plain HTTP: put a server that speaks HTTPS behind a
/// proxy. A server that cannot be reached is a warning.
#[derive(Clone, Debug)]
pub struct RemoteMonitor {
    root: String,
    path: String,
    field: String,
    headers: Vec<(String, String)>,
    send_as_json: bool,
    agent: ureq::Agent,
}

impl Default for RemoteMonitor {
    fn default() -> RemoteMonitor {
        RemoteMonitor::new()
    }
}

impl RemoteMonitor {
    /// To `http://localhost:9000/publish/epoch/end/`, in the field `data` of a form.
    pub fn new() -> RemoteMonitor {
        let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().new_agent();
        RemoteMonitor {
            root: "http://localhost:9000".to_string(),
            path: "/publish/epoch/end/".to_string(),
            field: "data".to_string(),
            headers: Vec::new(),
            send_as_json: false,
            agent,
        }
    }

    /// The server.
    pub fn root(mut self, root: impl Into<String>) -> RemoteMonitor {
        self.root = root.into();
        self
    }

    /// Where on the server.
    pub fn path(mut self, path: impl Into<String>) -> RemoteMonitor {
        self.path = path.into();
        self
    }

    /// The field of the form.
    pub fn field(mut self, field: impl Into<String>) -> RemoteMonitor {
        self.field = field.into();
        self
    }

    /// Further headers of each request.
    pub fn headers<'h>(mut self, headers: impl IntoIterator<Item = (&'h str, &'h str)>) -> RemoteMonitor {
        self.headers =
            headers.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        self
    }

    /// Whether the logs are the whole content, of the type `application/json`.
    pub fn send_as_json(mut self, send: bool) -> RemoteMonitor {
        self.send_as_json = send;
        self
    }

    fn send(&self, text: &str) -> std::result::Result<(), ureq::Error> {
        let request = self.agent.post(format!("{}{}", self.root, self.path));
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        match self.send_as_json {
            true => request.header("content-type", "application/json").send(text)?,
            false => request.send_form([(self.field.as_str(), text)])?,
        };
        Ok(())
    }
}

impl Callback for RemoteMonitor {
    fn on_epoch_end(&mut self, _: &mut Training<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        let logs = logs.iter().map(|(name, value)| (name.to_string(), float(value)));
        let sent = [("epoch".to_string(), Value::from(epoch))].into_iter().chain(logs);
        if let Err(error) = self.send(&print(&Value::Object(Map::from_iter(sent)))) {
            warn(&format!("RemoteMonitor: {} cannot be reached: {error}", self.root));
        }
        Ok(())
    }

    without_batch_logs!();

    fn name(&self) -> &str {
        "RemoteMonitor"
    }
}
