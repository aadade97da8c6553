//! A clean stop on SIGTERM and SIGINT.

/// Calls `stop` once, on a thread of its own, when the program is told to end.
/// Only Unix does this; elsewhere Ctrl-C ends the program at once.
#[cfg(unix)]
pub fn on_stop(stop: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    unix::on_stop(stop)
}

/// Calls `stop` once, on a thread of its own, when the program is told to end.
/// Only Unix does this; elsewhere Ctrl-C ends the program at once.
#[cfg(not(unix))]
pub fn on_stop(_stop: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::io::Read;
    use std::os::fd::IntoRawFd;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicI32, Ordering};

    // These two numbers are the same on Linux, macOS and the BSDs.
    const SIGINT: i32 = 2;
    const SIGTERM: i32 = 15;

    extern "C" {
        fn signal(number: i32, handler: extern "C" fn(i32)) -> *const u8;
        fn write(fd: i32, data: *const u8, length: usize) -> isize;
    }

    static WAKE: AtomicI32 = AtomicI32::new(-1);

    /// The handler may only do what is safe in a signal: it wakes the waiting thread.
    extern "C" fn handle(_number: i32) {
        // SAFETY: `write` is async-signal-safe and the byte lives for the whole call.
        unsafe { write(WAKE.load(Ordering::SeqCst), [1u8].as_ptr(), 1) };
    }

    pub fn on_stop(stop: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let (mut reader, writer) = UnixStream::pair()?;
        writer.set_nonblocking(true)?;
        WAKE.store(writer.into_raw_fd(), Ordering::SeqCst);
        let wait = move || {
            if reader.read_exact(&mut [0]).is_ok() {
                stop();
            }
        };
        std::thread::Builder::new().name("signals".into()).spawn(wait)?;
        for number in [SIGTERM, SIGINT] {
            // SAFETY: `handle` is async-signal-safe and has the signature `signal` wants.
            unsafe { signal(number, handle) };
        }
        Ok(())
    }
}
