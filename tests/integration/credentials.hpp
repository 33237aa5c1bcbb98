#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/integration/daemon_process.hpp"
#include "tests/support/files.hpp"

namespace emotiond::test {

/// A certificate for 127.0.0.1 that signed itself.
struct Certificate {
    explicit Certificate(const std::string& name)
        : certificate(scratch_folder() / (name + ".pem")), key(scratch_folder() / (name + ".key")) {
        const Finished made = run_to_end(
            {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=emotiond test", "-addext",
             "subjectAltName=IP:127.0.0.1", "-out", certificate.string(), "-keyout", key.string()});
        EXPECT_EQ(made.exit_code, 0) << made.err;
    }
    std::filesystem::path certificate;
    std::filesystem::path key;
};

/// A new token, whose entry becomes all that the file holds; that does not tell the token.
inline std::string new_token(const std::filesystem::path& file, const std::string& name) {
    const Finished made = run_to_end({emotiond_binary(), "token", name});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    write_bytes(file, made.out);
    std::string token = made.err.substr(made.err.rfind(' ') + 1, 64);
    EXPECT_EQ(made.out.find(token), std::string::npos);
    return token;
}

}  // namespace emotiond::test
