// Where this library lies. Headers and images lie there too, and the folder's name is the hash of all its sources.
#pragma once

#include <dlfcn.h>
#include <string>

static inline std::string own_folder() {
    Dl_info info;
    if (dladdr(reinterpret_cast<void *>(&own_folder), &info) == 0) {
        return ".";
    }
    const std::string path = info.dli_fname;
    return path.substr(0, path.rfind('/'));
}
