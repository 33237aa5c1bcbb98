#include "tests/support/allocation_counter.hpp"

#include <cerrno>
#include <cstdlib>

namespace {

thread_local std::size_t num_allocations = 0;

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)  // GCC says it so
#define EMOTIOND_SANITIZED
#elif defined(__has_feature)  // and clang so
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define EMOTIOND_SANITIZED
#endif
#endif

#ifdef EMOTIOND_SANITIZED

extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*,
                                                                           std::size_t),
                                                         void (*on_free)(const volatile void*));

namespace {

void count_allocation(const volatile void* /*memory*/, std::size_t /*size*/) {
    ++num_allocations;
}

void ignore_free(const volatile void* /*memory*/) {}

const int installed = __sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_free);

}  // namespace

#else

// The linker takes these before the C library's own, which stay reachable by a second name.
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) noexcept {
    ++num_allocations;
    return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept {
    ++num_allocations;
    return __libc_calloc(count, size);
}

void* realloc(void* memory, std::size_t size) noexcept {
    ++num_allocations;
    return __libc_realloc(memory, size);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
    ++num_allocations;
    return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    ++num_allocations;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
    ++num_allocations;
    *memory = __libc_memalign(alignment, size);
    return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"

#endif

namespace emotiond::test {

AllocationCounter::AllocationCounter() : before_(num_allocations) {}

std::size_t AllocationCounter::count() const {
    return num_allocations - before_;
}

}  // namespace emotiond::test
