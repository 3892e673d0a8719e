//! Memory that a large piece of work leaves behind.

#![allow(unsafe_code, reason = "a call of the C library")]

/// Has all threads allocate from one arena; to be called before there are any. Each thread that works for a capture would get one of its
/// own, and what outlives the capture keeps pages of each: after ten captures 2.1 MiB more were held than now.
pub(super) fn one_arena() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt(3) changes a number of the allocator; nothing else runs yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Gives free pages of the heap back to the system; blocks for some milliseconds. glibc keeps what was freed below the last piece in use,
/// and in the arenas of threads that are idle by now: megabytes after a capture that a small sidecar would hold for ever.
pub(super) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim(3) may be called at any time by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
