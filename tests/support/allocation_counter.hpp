#pragma once

#include <cstddef>

namespace emotiond::test {

/// Counts what the calling thread allocates from here on, by new, malloc and their relatives, in
/// every library of the process. Under a sanitizer it counts what the sanitizer's own hook tells:
/// ThreadSanitizer's does not tell of aligned_alloc and its like.
class AllocationCounter {
 public:
    AllocationCounter();
    [[nodiscard]] std::size_t count() const;

 private:
    std::size_t before_;
};

}  // namespace emotiond::test
