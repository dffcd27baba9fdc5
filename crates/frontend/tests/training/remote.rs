//! What a server is sent after each epoch.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::{JoinHandle, spawn};

use cornu::callbacks::RemoteMonitor;

use crate::models::*;

/// A server that takes so many requests: its address, and then the first line, the kind of content and the content of
/// each.
fn server(requests: usize) -> (String, JoinHandle<Vec<[String; 3]>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let serve = move || {
        let answered = listener.incoming().take(requests).map(|stream| {
            let mut stream = BufReader::new(stream.unwrap());
            let mut lines = Vec::new();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                match line.trim() {
                    "" => break,
                    line => lines.push(line.to_lowercase()),
                }
            }
            let header = |name: &str| {
                let found = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
                found.unwrap_or_default().trim().to_string()
            };
            let mut content = vec![0; header("content-length").parse().unwrap()];
            stream.read_exact(&mut content).unwrap();
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            [lines[0].clone(), header("content-type"), String::from_utf8(content).unwrap()]
        });
        answered.collect()
    };
    (address, spawn(serve))
}

#[test]
fn each_epoch_is_posted() {
    let (x, y) = data(32);
    for as_json in [true, false] {
        let (address, thread) = server(2);
        let monitor = RemoteMonitor::new().root(address).path("/at/").send_as_json(as_json);
        let history = model().fit(&x, &y, epochs(2).callback(monitor)).unwrap();
        let requests = thread.join().unwrap();
        let (kind, begin) = match as_json {
            true => ("application/json", "{\"epoch\": 1, \"loss\": "),
            false => ("application/x-www-form-urlencoded", "data=%7B%22epoch%22%3A+1%2C+%22loss%22%3A+"),
        };
        let [line, content_type, content] = &requests[1];
        assert_eq!((line.as_str(), content_type.as_str()), ("post /at/ http/1.1", kind));
        let loss = history.last("loss").unwrap().to_string();
        assert!(content.starts_with(&format!("{begin}{loss}")), "{content}");
    }
}

#[test]
fn a_server_that_is_not_there_is_no_reason_to_stop() {
    let (x, y) = data(32);
    let monitor = RemoteMonitor::new().root("http://127.0.0.1:9");
    assert_eq!(model().fit(&x, &y, epochs(2).callback(monitor)).unwrap().epoch, [0, 1]);
}
