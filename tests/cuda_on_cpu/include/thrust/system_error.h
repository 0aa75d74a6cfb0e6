#pragma once
#include <exception>

namespace thrust
{
struct system_error : std::exception {};
}
