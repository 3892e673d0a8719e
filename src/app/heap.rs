//! Memory that a large piece of work left behind.

#![allow(unsafe_code, reason = "a call of the C library")]

/// Gives free pages of the heap back to the system; blocks for some milliseconds. glibc keeps what was freed below the last piece in use,
/// and in the arenas of threads that are idle by now: megabytes after a capture that a small sidecar would hold for ever.
pub(super) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim(3) may be called at any time by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
