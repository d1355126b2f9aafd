//! Pod, task and exec state machines: pure.
