#!/bin/sh
# Fuzzes test/escpos/fuzz/target.ts for so many seconds (default 60): test/escpos/fuzz/run.sh 1200
# The fuzzer's binary needs glibc 2.38; NODE may name another way to start Node 24 where the system's is older.
# Inputs that reach new code are kept in test/vectors/escpos/corpus; a crash is written to the folder it runs in.
set -eu
cd "$(dirname "$0")/../../.."
out=$(mktemp -d)
node_modules/.bin/esbuild test/escpos/fuzz/target.ts --bundle --platform=node --format=cjs --outfile="$out/target.cjs" --log-level=warning --external:uqr --external:fast-png --external:zod
mkdir -p "$out/corpus"
cp test/vectors/escpos/*.bin test/vectors/escpos/escpos-php/*.bin "$out/corpus/"
if [ -d test/vectors/escpos/corpus ]; then cp test/vectors/escpos/corpus/* "$out/corpus/"; fi
export NODE_PATH="$PWD/node_modules"
# shellcheck disable=SC2086
exec nice -n 15 ${NODE:-node_modules/.bin/node} node_modules/@jazzer.js/core/dist/cli.js "$out/target.cjs" "$out/corpus" \
  --sync -i target -e node_modules --timeout=10000 -- -max_total_time="${1:-60}" -max_len=4096 -rss_limit_mb=1500 -dict=test/escpos/fuzz/escpos.dict -print_final_stats=1
