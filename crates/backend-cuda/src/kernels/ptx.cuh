// Hardware operations: each with an asm branch and a C++ branch.
#pragma once
