# cmake -DDIST=web/dist -DOUT=web_files.cpp -P embed_web.cmake: the dashboard as C++.
set(types "html=text/html" "js=text/javascript" "css=text/css")
set(arrays "")
set(entries "")
set(index 0)
foreach(name index.html app.js app.css)
    file(READ ${DIST}/${name} hex HEX)
    file(SHA256 ${DIST}/${name} sha256)
    string(SUBSTRING ${sha256} 0 32 etag)
    string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
    string(REGEX REPLACE ".*\\.(.*)" "\\1" extension ${name})
    foreach(type ${types})
        if(type MATCHES "^${extension}=(.*)")
            set(content_type "${CMAKE_MATCH_1}")
        endif()
    endforeach()
    if(name STREQUAL "index.html")
        set(path "/")
    else()
        set(path "/${name}")
    endif()
    string(APPEND arrays "constexpr char kFile${index}[]{${bytes}};\n")
    string(APPEND entries "    {\"${path}\", \"${content_type}\", \"\\\"${etag}\\\"\", {kFile${index}, sizeof kFile${index}}},\n")
    math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUT} "// Made of web/dist by embed_web.cmake.
#include <algorithm>
#include <iterator>

#include \"daemon/http_api.hpp\"

namespace emotiond::daemon {
namespace {

${arrays}
constexpr WebFile kFiles[]{
${entries}};

}  // namespace

const WebFile* find_web_file(std::string_view path) {
    const auto* found = std::ranges::find(kFiles, path, &WebFile::path);
    return found == std::end(kFiles) ? nullptr : found;
}

}  // namespace emotiond::daemon
")
