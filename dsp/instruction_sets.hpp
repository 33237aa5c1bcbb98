#pragma once

/// Before a function: one body, compiled for several instruction sets, the best one bound when the
/// program is loaded. Sanitizers instrument the resolvers before their runtime is up, so they get
/// the baseline alone.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define EMOTIOND_CLONES __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define EMOTIOND_CLONES
#endif
