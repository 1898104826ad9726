#!/bin/sh
# Apache httpd as a reverse proxy with a load balancer, on Debian, as root.
#
#   sh setup.sh                 all steps in order, with proxylab.conf beside this script
#   sh setup.sh modules         one step
#   sh setup.sh site my.conf    the step that takes a file
#
# Nothing here is special to this script: each step is what you would type.
set -eu
export DEBIAN_FRONTEND=noninteractive

# Step 1: install Apache
# Changes: the package lists; apache2 with its files under /etc/apache2. Debian
#   starts the service at once; it answers on port 80 with a page of its own.
# Look: apache2 -v names the version; curl -sI http://localhost/ says "200 OK".
step_install() {
	apt-get update
	apt-get install -y apache2
}

# Step 2: enable the modules
# Changes: links in /etc/apache2/mods-enabled to ../mods-available. What a module
#   needs comes with it: proxy_balancer brings slotmem_shm, where the counters
#   of the members live. A running Apache sees none of this before step 5.
# Look: ls /etc/apache2/mods-enabled | grep -e proxy -e lbmethod
step_modules() {
	a2enmod proxy proxy_http proxy_balancer lbmethod_byrequests
}

# Step 3: write and enable the site
# Changes: the site's file in sites-available; a link to it in sites-enabled; the
#   link of Debian's own page (000-default) is gone. By hand, write the file in
#   an editor and then type the two commands that begin with a2.
# Look: ls -l /etc/apache2/sites-enabled shows proxylab.conf alone.
step_site() {
	install -m 644 "$1" /etc/apache2/sites-available/proxylab.conf
	a2dissite 000-default
	a2ensite proxylab
}

# Step 4: check the configuration
# Changes: nothing. Always do this before a restart: an Apache that runs goes on
#   with its old configuration, but one that stopped does not start with a
#   broken one.
# Look: "Syntax OK". A warning AH00558 about the server's name does no harm.
#   "Invalid command 'BalancerMember'" means that step 2 was left out.
step_check() {
	apachectl configtest
}

# Step 5: restart
# Changes: the running Apache now has the modules, the socket and the site; one
#   that stood still is started. Under systemd, systemctl restart apache2 does
#   the same.
# Look: curl -i http://localhost:8080/ is answered by an origin server; repeat it,
#   and the members take turns. The log is /var/log/apache2/proxylab_access.log;
#   a "503 Service Unavailable" is explained in proxylab_error.log beside it.
step_restart() {
	apachectl restart
}

example=$(dirname "$0")/proxylab.conf
case "${1-all}" in
install | modules | check | restart)
	"step_$1"
	;;
site)
	step_site "${2-$example}"
	;;
all)
	step_install
	step_modules
	step_site "$example"
	step_check
	step_restart
	;;
*)
	echo "error: no step is called \"$1\"" >&2
	echo "hint: sh setup.sh [install | modules | site FILE | check | restart]" >&2
	exit 2
	;;
esac
