// A stand-in for NVRTC: the program is compiled by the host's compiler into a shared object, which is its "cubin" and
// its "PTX" both. Images are kept beside this library, named by the hash of all that went into them.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "kernel_names.h"
#include "own_folder.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum nvrtcResult : int {
    NVRTC_SUCCESS = 0,
    NVRTC_ERROR_INVALID_INPUT = 3,
    NVRTC_ERROR_INVALID_PROGRAM = 4,
    NVRTC_ERROR_INVALID_OPTION = 5,
    NVRTC_ERROR_COMPILATION = 6,
    NVRTC_ERROR_INTERNAL_ERROR = 11,
};

struct Program {
    std::string source;
    std::string name;
    std::vector<std::pair<std::string, std::string>> headers; // name, text
    std::string log;
    std::string image;
};

std::string read_file(const std::string &path) {
    std::string text;
    if (FILE *file = fopen(path.c_str(), "rb")) {
        char buffer[65536];
        for (size_t count; (count = fread(buffer, 1, sizeof buffer, file)) > 0;) {
            text.append(buffer, count);
        }
        fclose(file);
    }
    return text;
}

bool write_file(const std::string &path, const std::string &text) {
    FILE *file = fopen(path.c_str(), "wb");
    if (file == nullptr) {
        return false;
    }
    const bool written = fwrite(text.data(), 1, text.size(), file) == text.size();
    return fclose(file) == 0 && written;
}

std::string hash(const std::string &text) {
    unsigned long long low = 0xcbf29ce484222325ull, high = 0x84222325cbf29ce4ull;
    for (unsigned char byte : text) {
        low = (low ^ byte) * 0x100000001b3ull;
        high = (high ^ byte) * 0x9e3779b97f4a7c15ull;
    }
    char digits[33];
    snprintf(digits, sizeof digits, "%016llx%016llx", low, high);
    return digits;
}

// The environment of the compiler: messages in ASCII, and without the sanitizer that this process may run under.
std::vector<char *> environment_of_compiler() {
    static char language[] = "LC_ALL=C";
    std::vector<char *> variables = {language};
    for (char **variable = environ; *variable != nullptr; ++variable) {
        if (strncmp(*variable, "LC_ALL=", 7) != 0 && strncmp(*variable, "LD_PRELOAD=", 11) != 0) {
            variables.push_back(*variable);
        }
    }
    variables.push_back(nullptr);
    return variables;
}

// Runs `arguments`, and gives what it writes to `stream`, 1 or 2; the other is dropped. False when it failed.
bool run(const std::vector<std::string> &arguments, int stream, std::string &output) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    std::vector<char *> pointers;
    for (const std::string &argument : arguments) {
        pointers.push_back(const_cast<char *>(argument.c_str()));
    }
    pointers.push_back(nullptr);
    std::vector<char *> environment = environment_of_compiler();
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const pid_t child = vfork();
    if (child == 0) {
        dup2(ends[1], stream);
        dup2(nowhere, 3 - stream);
        execvpe(pointers[0], pointers.data(), environment.data());
        _exit(127);
    }
    close(ends[1]);
    close(nowhere);
    char buffer[65536];
    for (ssize_t count; child > 0 && (count = read(ends[0], buffer, sizeof buffer)) > 0;) {
        output.append(buffer, static_cast<size_t>(count));
    }
    close(ends[0]);
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// What of the options concerns the host's compiler. False for one that NVRTC does not have.
bool translate(const std::string &option, std::vector<std::string> &flags, std::string &architecture) {
    const size_t equals = option.find('=');
    const std::string key = option.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : option.substr(equals + 1);
    if (key == "--gpu-architecture" || key == "-arch") {
        const size_t number = value.find('_');
        const bool known = value.rfind("sm_", 0) == 0 || value.rfind("compute_", 0) == 0;
        architecture = known ? value.substr(number + 1) : "";
        flags.push_back(value[0] == 's' ? "-DEMULATOR_PORTABLE=false" : "-DEMULATOR_PORTABLE=true");
        return known;
    }
    if (key == "--define-macro") {
        flags.push_back("-D" + value);
        return true;
    }
    if (option.rfind("-D", 0) == 0 || option.rfind("-U", 0) == 0) {
        flags.push_back(option);
        return true;
    }
    static const std::set<std::string> hints = {
        "--std", "-std", "--fmad", "-fmad", "--ftz", "-ftz", "--prec-div", "--prec-sqrt", "--use_fast_math",
        "-use_fast_math", "--ptxas-options", "--maxrregcount", "--generate-line-info", "-lineinfo", "--device-debug",
        "-G", "--restrict", "--extra-device-vectorization", "--extensible-whole-program", "-default-device",
        "--device-as-default-execution-space", "--disable-warnings", "-w", "--split-compile", "--minimal"};
    return hints.count(key) != 0;
}

std::vector<std::string> compiler_flags(const std::string &architecture) {
    const std::string digits = architecture.substr(0, architecture.find_first_not_of("0123456789"));
    const std::string folder = own_folder();
    std::vector<std::string> flags = {
        "-x", "c++", "-std=c++17", "-O1", "-nostdinc", "-fPIC", "-ffp-contract=off", "-fno-exceptions", "-fno-rtti",
        "-fno-strict-aliasing", "-fno-gnu-unique", "-fvisibility=hidden", "-Wno-attributes",
        "-D__CUDA_ARCH__=" + digits + "0",
        "-DEMULATOR_BUILD=\"" + folder + "\"", "-I" + folder + "/include", "-include", "cuda_emulator.h"};
    if (architecture == "90a") {
        flags.push_back("-D__CUDA_ARCH_FEAT_SM90_ALL=1");
    }
    if (__builtin_cpu_supports("fma")) {
        flags.push_back("-mfma"); // fmaf as one instruction instead of a call
    }
#if defined(__SANITIZE_ADDRESS__)
    flags.insert(flags.end(), {"-g1", "-fsanitize=address"});
#endif
    return flags;
}

std::vector<std::string> join(std::vector<std::string> first, const std::vector<std::string> &second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

// Compiles in a folder of its own, then moves the image to `path`: whoever looks there finds all of it or nothing.
bool compile(Program &program, const std::vector<std::string> &flags, const std::string &path) {
    std::string folder = own_folder() + "/images/work-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) {
        program.log = "the emulator cannot write to " + folder;
        return false;
    }
    const std::string source = folder + "/program.cu", image = folder + "/program.so", included = "-I" + folder;
    for (const auto &[name, text] : program.headers) {
        write_file(folder + "/" + name, text);
    }
    const std::string numbered = "#line 1 \"" + program.name + "\"\n" + program.source;
    write_file(source, numbered);
    std::string preprocessed;
    const std::vector<std::string> expand = {EMULATOR_COMPILER, "-E", "-P", "-DEMULATOR_FIND_KERNELS", included};
    bool done = run(join(join(expand, flags), {source}), 1, preprocessed);
    write_file(source, numbered + "\n" + kernel_table(preprocessed));
    // Names that the image leaves open are the emulator's and the C library's; both are there when it is loaded.
    const std::vector<std::string> link = {EMULATOR_COMPILER, "-shared", "-nostdlib", "-pipe", included, "-o", image};
    done = run(join(join(link, flags), {source}), 2, program.log) && done;
    done = done && rename(image.c_str(), path.c_str()) == 0;
    for (const auto &[name, text] : program.headers) {
        unlink((folder + "/" + name).c_str());
    }
    unlink(source.c_str());
    rmdir(folder.c_str());
    return done;
}

} // namespace

EXPORT nvrtcResult nvrtcVersion(int *major, int *minor) {
    *major = 13;
    *minor = 0;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcCreateProgram(Program **program, const char *source, const char *name, int headers,
                                      const char *const *texts, const char *const *names) {
    if (program == nullptr || source == nullptr || headers < 0) {
        return NVRTC_ERROR_INVALID_INPUT;
    }
    *program = new Program{source, name == nullptr ? "default_program" : name, {}, "", ""};
    for (int i = 0; i < headers; ++i) {
        (*program)->headers.emplace_back(names[i], texts[i]);
    }
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcDestroyProgram(Program **program) {
    delete *program;
    *program = nullptr;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcCompileProgram(Program *program, int count, const char *const *options) {
    std::vector<std::string> flags;
    std::string architecture;
    for (int i = 0; i < count; ++i) {
        if (!translate(options[i], flags, architecture)) {
            program->log = std::string("nvrtc: error: unrecognized option ") + options[i] + " found";
            return NVRTC_ERROR_INVALID_OPTION;
        }
    }
    if (architecture.empty()) {
        translate("--gpu-architecture=compute_75", flags, architecture);
    }
    flags = join(compiler_flags(architecture), flags);
    std::string key = program->source + '\0' + program->name;
    for (const auto &[name, text] : program->headers) {
        key += '\0' + name + '\0' + text;
    }
    for (const std::string &flag : flags) {
        key += '\0' + flag;
    }
    const std::string path = own_folder() + "/images/" + hash(key) + ".so";
    program->log.clear();
    program->image = read_file(path);
    if (program->image.empty()) {
        if (!compile(*program, flags, path)) {
            return NVRTC_ERROR_COMPILATION;
        }
        program->image = read_file(path);
    }
    return program->image.empty() ? NVRTC_ERROR_INTERNAL_ERROR : NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetProgramLogSize(Program *program, size_t *bytes) {
    *bytes = program->log.size() + 1;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetProgramLog(Program *program, char *log) {
    memcpy(log, program->log.c_str(), program->log.size() + 1);
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetCUBINSize(Program *program, size_t *bytes) {
    *bytes = program->image.size();
    return program->image.empty() ? NVRTC_ERROR_INVALID_PROGRAM : NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetCUBIN(Program *program, char *image) {
    memcpy(image, program->image.data(), program->image.size());
    return program->image.empty() ? NVRTC_ERROR_INVALID_PROGRAM : NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetPTXSize(Program *program, size_t *bytes) { return nvrtcGetCUBINSize(program, bytes); }
EXPORT nvrtcResult nvrtcGetPTX(Program *program, char *image) { return nvrtcGetCUBIN(program, image); }

// Kernels are `extern "C"` here: there are no names to be lowered.
EXPORT nvrtcResult nvrtcAddNameExpression(Program *, const char *) { return NVRTC_ERROR_INVALID_INPUT; }
EXPORT nvrtcResult nvrtcGetLoweredName(Program *, const char *, const char **) { return NVRTC_ERROR_INVALID_INPUT; }

EXPORT const char *nvrtcGetErrorString(nvrtcResult result) {
    switch (result) {
    case NVRTC_SUCCESS: return "NVRTC_SUCCESS";
    case NVRTC_ERROR_INVALID_INPUT: return "NVRTC_ERROR_INVALID_INPUT";
    case NVRTC_ERROR_INVALID_PROGRAM: return "NVRTC_ERROR_INVALID_PROGRAM";
    case NVRTC_ERROR_INVALID_OPTION: return "NVRTC_ERROR_INVALID_OPTION";
    case NVRTC_ERROR_COMPILATION: return "NVRTC_ERROR_COMPILATION";
    case NVRTC_ERROR_INTERNAL_ERROR: return "NVRTC_ERROR_INTERNAL_ERROR";
    }
    return "NVRTC_ERROR unknown";
}
