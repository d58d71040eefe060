#!/bin/sh
set -e
# Called as hashicorp/consul is: CONSUL_BIND_INTERFACE, CONSUL_CLIENT_INTERFACE, CONSUL_LOCAL_CONFIG; sub-commands and flags
# of consul as arguments; /consul/data and /consul/config.
address_of() { ip -o -4 addr list "$1" | awk '{print $4; exit}' | cut -d/ -f1; }
bind= client=
[ -n "$CONSUL_BIND_INTERFACE" ] && bind="-bind=$(address_of "$CONSUL_BIND_INTERFACE")"
[ -n "$CONSUL_CLIENT_INTERFACE" ] && client="-client=$(address_of "$CONSUL_CLIENT_INTERFACE")"
[ -n "$CONSUL_LOCAL_CONFIG" ] && printf '%s' "$CONSUL_LOCAL_CONFIG" > /consul/config/local.json
case "$1" in
  -*) set -- consul "$@" ;;
  agent) shift; set -- consul agent -data-dir=/consul/data -config-dir=/consul/config ${bind:+"$bind"} ${client:+"$client"} "$@" ;;
  version|members|info|kv|catalog|operator|join|leave|monitor|snapshot|validate|event|exec|lock|maint|reload|rtt|services|watch|acl|keygen|keyring|config|intention|connect|debug|login|logout|force-leave|tls)
    set -- consul "$@" ;;
esac
if [ "$1" = consul ] && [ "$(id -u)" = 0 ] && [ -z "$CONSUL_DISABLE_PERM_MGMT" ]; then
  chown consul:consul /consul/data /consul/config
  exec setpriv --reuid=consul --regid=consul --clear-groups "$@"
fi
exec "$@"
