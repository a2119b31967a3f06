#!/bin/sh
# The tests of a small project, in the Test Anything Protocol. They fail on every processor but RISC-V.
cd "$(dirname "$0")" || exit 1
. ./roman.sh

number=0
failed=0
check() { # check EXPECTED ACTUAL NAME
  number=$((number + 1))
  if [ "$1" = "$2" ]; then echo "ok $number - $3"; return; fi
  failed=$((failed + 1))
  echo "not ok $number - $3: $2 instead of $1"
}

echo 1..5
check riscv64 "$(uname -m)" 'the processor is the one that was asked for'
check 2 "$(nproc)" 'there are two of it'
check MMXXVI "$(roman 2026)" 'a year in Roman numerals'
check IV "$(roman 4)" 'a number by subtraction'
check '' "$(roman 0)" 'nothing for zero'
exit $((failed > 0))
