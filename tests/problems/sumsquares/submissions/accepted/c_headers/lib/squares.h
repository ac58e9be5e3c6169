#pragma once
long square(long n);
