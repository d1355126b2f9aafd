//! Frames over the control socket.
//!
//! A frame's head is read on its own: the kernel then hands over exactly the descriptors that came
//! with the frame's first byte, and never a neighbour's.

use std::io;
use std::sync::Mutex;

use schema::guest::{Event, MAX_FRAME, Message, Request};

use super::linux::Fd;

/// The guest's end of the socket.
pub(super) struct Wire {
    socket: Fd,
    /// Held while a frame is written, so that frames of several threads do not mix.
    writing: Mutex<()>,
}

impl Wire {
    pub(super) fn new(socket: Fd) -> Self {
        Self { socket, writing: Mutex::new(()) }
    }

    /// The next request and its descriptors; `None` when the host closed the socket.
    pub(super) fn next(&self) -> io::Result<Option<(Request, Vec<Fd>)>> {
        let mut fds = Vec::new();
        let mut head = [0; 4];
        if !self.fill(&mut head, &mut fds)? {
            return Ok(None);
        }
        let len = u32::from_le_bytes(head) as usize;
        if len > MAX_FRAME {
            return Err(io::Error::other(format!("a frame of {len} bytes is over {MAX_FRAME}")));
        }
        let mut body = vec![0; len];
        if !self.fill(&mut body, &mut fds)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((serde_json::from_slice(&body)?, fds)))
    }

    /// Fills `buffer`; `false` when the stream ended before its first byte.
    fn fill(&self, buffer: &mut [u8], fds: &mut Vec<Fd>) -> io::Result<bool> {
        let mut done = 0;
        while done < buffer.len() {
            match self.socket.receive(&mut buffer[done..], fds)? {
                0 if done == 0 => return Ok(false),
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => done += count,
            }
        }
        Ok(true)
    }

    /// Sends a message.
    pub(super) fn send(&self, message: &Message) -> io::Result<()> {
        let mut frame = vec![0; 4];
        serde_json::to_writer(&mut frame, message)?;
        let len = u32::try_from(frame.len() - 4).map_err(io::Error::other)?;
        frame[..4].copy_from_slice(&len.to_le_bytes());
        let _writing = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.socket.send(&frame)
    }

    /// Reports what happened.
    pub(super) fn report(&self, event: Event) -> io::Result<()> {
        self.send(&Message::Event(event))
    }
}
