// Static shared memory: where an image keeps it. `__shared__` is `static`, and the only statics of CUDA C's functions
// are shared, so they are found by their names: a variable of a function begins with `_ZZ` when mangled.
#include "shared_variables.h"

#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

namespace emulator {

namespace {

bool is_zeroed_and_writable(const Elf64_Shdr &section) {
    return section.sh_type == SHT_NOBITS && (section.sh_flags & SHF_WRITE) != 0;
}

} // namespace

std::vector<Range> shared_variables(const char *image, void *library) {
    const link_map *map = nullptr;
    std::vector<Range> ranges;
    if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) {
        return ranges;
    }
    const auto *header = reinterpret_cast<const Elf64_Ehdr *>(image);
    const auto *sections = reinterpret_cast<const Elf64_Shdr *>(image + header->e_shoff);
    for (unsigned i = 0; i < header->e_shnum; ++i) {
        if (sections[i].sh_type != SHT_SYMTAB) {
            continue;
        }
        const char *names = image + sections[sections[i].sh_link].sh_offset;
        const auto *symbols = reinterpret_cast<const Elf64_Sym *>(image + sections[i].sh_offset);
        for (size_t k = 0; k < sections[i].sh_size / sizeof(Elf64_Sym); ++k) {
            const Elf64_Sym &symbol = symbols[k];
            const bool is_variable = ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT && symbol.st_shndx < header->e_shnum;
            if (is_variable && strncmp(names + symbol.st_name, "_ZZ", 3) == 0 &&
                is_zeroed_and_writable(sections[symbol.st_shndx])) {
                ranges.push_back({reinterpret_cast<char *>(map->l_addr + symbol.st_value), symbol.st_size});
            }
        }
    }
    return ranges;
}

} // namespace emulator
