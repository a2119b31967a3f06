#!/bin/sh
# Makes the Node of this platform the one that npm scripts run on. npm links it itself, but npm 10 then removes the link
# together with the packages of other platforms, whose links have the same name.
set -eu
cd "$(dirname "$0")/../.."
for program in node_modules/node-*/bin/node; do
  [ -x "$program" ] || continue
  mkdir -p node_modules/.bin
  ln -sf "../${program#node_modules/}" node_modules/.bin/node
done
