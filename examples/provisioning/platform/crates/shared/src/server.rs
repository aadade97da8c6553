//! A small HTTP/1.1 server: one thread for each connection, one request for each connection.

use crate::http::{read_head, Head, ReadError, Request, Response, Timed};
use crate::log::{log, Level};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const MAX_BODY: usize = 1024 * 1024;
const MAX_CONNECTIONS: usize = 64;
const REQUEST_TIME: Duration = Duration::from_secs(10);
const STOP_TIME: Duration = Duration::from_millis(500);

/// What answers the requests.
pub type Handler = dyn Fn(&Request) -> Response + Send + Sync;

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
}

/// Stops a server from another thread.
pub struct Stopper {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
}

impl Stopper {
    /// Makes [`Server::run`] return.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        // A connection wakes the thread that waits for one.
        let _ = TcpStream::connect_timeout(&address, STOP_TIME);
    }
}

/// Counts a connection as open for as long as it lives.
struct Ticket(Arc<AtomicUsize>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Server {
    /// Listens on ADDR:PORT; port 0 takes a free one.
    pub fn bind(listen: &str) -> io::Result<Server> {
        let listener = TcpListener::bind(listen)?;
        let address = listener.local_addr()?;
        Ok(Server { listener, address, stopping: Arc::default() })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops it.
    pub fn stopper(&self) -> Stopper {
        Stopper { address: self.address, stopping: self.stopping.clone() }
    }

    /// Answers requests until it is stopped; open requests get a moment to finish.
    pub fn run(&self, handler: Arc<Handler>) {
        let open = Arc::new(AtomicUsize::new(0));
        for stream in self.listener.incoming() {
            if self.stopping.load(Ordering::SeqCst) {
                break;
            }
            match stream {
                Ok(stream) => start(stream, &open, &handler),
                Err(why) => {
                    log(Level::Warn, format!("cannot accept a connection: {why}"));
                    thread::sleep(Duration::from_millis(50));
                }
            }
        }
        let end = Instant::now() + STOP_TIME;
        while open.load(Ordering::SeqCst) > 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn start(stream: TcpStream, open: &Arc<AtomicUsize>, handler: &Arc<Handler>) {
    let count = open.fetch_add(1, Ordering::SeqCst);
    let (ticket, handler) = (Ticket(open.clone()), handler.clone());
    if count >= MAX_CONNECTIONS {
        let mut timed = Timed::new(stream, Duration::from_millis(100));
        let _ = Response::error(503, "too many connections").write(&mut timed, true);
        return;
    }
    let work = move || {
        let _ticket = ticket;
        serve(stream, &handler);
    };
    if let Err(why) = thread::Builder::new().name("request".into()).spawn(work) {
        log(Level::Error, format!("cannot start a thread: {why}"));
    }
}

fn serve(stream: TcpStream, handler: &Arc<Handler>) {
    let mut timed = Timed::new(stream, REQUEST_TIME);
    let (what, with_body, response) = match read_request(&mut timed) {
        Ok(mut request) => {
            let with_body = request.method != "HEAD";
            let what = format!("{} {}", request.method, request.path);
            if !with_body {
                request.method = "GET".into();
            }
            (what, with_body, handler(&request))
        }
        Err(Some(response)) => ("bad request".to_string(), true, response),
        Err(None) => return,
    };
    log(Level::Debug, format!("{what:?} {}", response.status));
    let mut timed = Timed::new(timed.stream, REQUEST_TIME);
    if response.write(&mut timed, with_body).is_ok() {
        finish(timed.stream);
    }
}

/// Ends the connection; reads what is left so that the client surely gets the answer.
fn finish(stream: TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let mut rest = Timed::new(stream, Duration::from_millis(250)).take(2 * MAX_BODY as u64);
    let _ = io::copy(&mut rest, &mut io::sink());
}

/// Reads a request. The error is the answer to a bad one, or none when nobody waits for one.
fn read_request(from: &mut (impl Read + Write)) -> Result<Request, Option<Response>> {
    let refuse = |status, why: &str| Some(Response::error(status, why));
    let failed = |why: io::Error| match why.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            refuse(408, "the request took too long")
        }
        _ => None,
    };
    let (head, mut body) = read_head(from).map_err(|why| match why {
        ReadError::HeadTooLarge => refuse(431, "the headers are too large"),
        ReadError::Io(why) => failed(why),
    })?;
    let head = Head::parse(&head).map_err(|why| refuse(400, &why))?;
    if !matches!(head.first[2].as_str(), "HTTP/1.1" | "HTTP/1.0") {
        return Err(refuse(505, "only HTTP/1.1 and HTTP/1.0 are known"));
    }
    if head.header("transfer-encoding").is_some() {
        return Err(refuse(501, "send a Content-Length; Transfer-Encoding is not known"));
    }
    let length = head.length().map_err(|why| refuse(400, &why))?.unwrap_or(0);
    if length > MAX_BODY {
        return Err(refuse(413, "the body is too large"));
    }
    if body.len() < length && head.header("expect").is_some() {
        from.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").map_err(failed)?;
    }
    let have = body.len();
    body.resize(length, 0);
    if have < length {
        from.read_exact(&mut body[have..]).map_err(failed)?;
    }
    let [method, target, _] = head.first;
    let path = target.split(['?', '#']).next().unwrap_or("").to_string();
    if !path.starts_with('/') {
        return Err(refuse(400, "the path must start with '/'"));
    }
    Ok(Request { method, path, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection that gives the request and keeps what is written to it.
    struct Fake(io::Cursor<Vec<u8>>, Vec<u8>);

    impl Read for Fake {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for Fake {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            self.1.write(data)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn read(text: &str) -> Result<Request, Option<Response>> {
        read_request(&mut Fake(io::Cursor::new(text.into()), Vec::new()))
    }

    #[test]
    fn reads_a_request() {
        let request = read("POST /a?b=c HTTP/1.1\r\nContent-Length: 4\r\n\r\nbodymore").unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/a"));
        assert_eq!(request.body, b"body");
    }

    #[test]
    fn refuses_bad_requests() {
        let cases = [
            ("nonsense\r\n\r\n", 400),
            ("GET / HTTP/2.0\r\n\r\n", 505),
            ("GET x HTTP/1.1\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
            ("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        ];
        for (text, status) in cases {
            assert_eq!(read(text).unwrap_err().unwrap().status, status, "{text:?}");
        }
        assert_eq!(read("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbo"), Err(None));
    }

    #[test]
    fn serves_and_stops() {
        let server = Server::bind("127.0.0.1:0").unwrap();
        let (stopper, url) = (server.stopper(), format!("http://{}", server.address()));
        let run =
            move || server.run(Arc::new(|request: &Request| Response::error(404, &request.path)));
        let thread = thread::spawn(run);
        let answer = crate::client::send("GET", &url, "/x?y", None).unwrap();
        assert_eq!(answer, (404, "{\"error\":\"/x\"}\n".to_string()));
        stopper.stop();
        thread.join().unwrap();
    }
}
