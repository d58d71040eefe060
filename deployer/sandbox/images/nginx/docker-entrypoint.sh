#!/bin/sh
set -e
# /etc/nginx/templates/NAME.template becomes /etc/nginx/conf.d/NAME, with the environment's variables put in;
# nginx's own ($host, ...) stay, as in the image that this one stands in for.
defined=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/${\1}/p' | tr '\n' ' ')
for template in /etc/nginx/templates/*.template; do
  [ -f "$template" ] || continue
  envsubst "$defined" < "$template" > "/etc/nginx/conf.d/$(basename "$template" .template)"
done
for script in /docker-entrypoint.d/*.sh; do
  if [ -x "$script" ]; then "$script"; fi
done
exec "$@"
