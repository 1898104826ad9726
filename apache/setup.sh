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

# The comment of a step is its page in the handout: Changes, Look and Fails are
# English, Cambia, Mira and Falla Spanish; Try are commands that show that it
# worked, Undo those that take it back.

# Step 1: install Apache
# Paso 1: instalar Apache
# Changes: the package lists; apache2 with its files under /etc/apache2. Under
#   systemd, Debian starts the service at once; it answers on port 80 with a page
#   of its own. Without systemd nothing runs before step 5.
# Cambia: las listas de paquetes; apache2 con sus archivos en /etc/apache2. Con
#   systemd, Debian arranca el servicio enseguida; responde en el puerto 80 con una
#   página propia. Sin systemd nada se ejecuta antes del paso 5.
# Look: the first command names the version. Under systemd, curl -sI
#   http://localhost/ says "200 OK".
# Mira: la primera orden dice la versión. Con systemd, curl -sI http://localhost/
#   dice "200 OK".
# Try: apache2 -v
# Try: ls /etc/apache2/mods-available/proxy.load
# Fails: "E: Unable to locate package apache2": the package lists are empty, because
#   apt-get update was left out or could not reach its server. "are you root?": type
#   sudo before the command.
# Falla: "E: Unable to locate package apache2": las listas de paquetes están vacías,
#   porque faltó apt-get update o no alcanzó su servidor. "are you root?": escribe
#   sudo delante de la orden.
# Undo: apt-get purge -y apache2 apache2-bin apache2-data apache2-utils
step_install() {
	apt-get update
	apt-get install -y apache2
}

# Step 2: enable the modules
# Paso 2: activar los módulos
# Changes: links in /etc/apache2/mods-enabled to ../mods-available. What a module
#   needs comes with it: proxy_balancer brings slotmem_shm, where the counters
#   of the members live. A running Apache sees none of this before step 5.
# Cambia: enlaces en /etc/apache2/mods-enabled hacia ../mods-available. Lo que un
#   módulo necesita viene con él: proxy_balancer trae slotmem_shm, donde viven los
#   contadores de los miembros. Un Apache en marcha no ve nada de esto antes del
#   paso 5.
# Look: proxy, proxy_balancer, proxy_http, lbmethod_byrequests and slotmem_shm each
#   have a .load link.
# Mira: proxy, proxy_balancer, proxy_http, lbmethod_byrequests y slotmem_shm tienen
#   cada uno un enlace .load.
# Try: ls /etc/apache2/mods-enabled | grep -e proxy -e lbmethod -e slotmem
# Fails: "ERROR: Module proxy_htp does not exist!": the name is misspelt; the modules
#   with right names are enabled all the same. "Permission denied": only root may
#   write below /etc. A module that was forgotten says nothing here: it shows in
#   step 4, and proxy_http and slotmem_shm not before step 5.
# Falla: "ERROR: Module proxy_htp does not exist!": el nombre está mal escrito; los
#   módulos bien escritos quedan activados igualmente. "Permission denied": solo
#   root puede escribir en /etc. Un módulo olvidado no dice nada aquí: se nota en el
#   paso 4, y proxy_http y slotmem_shm solo en el paso 5.
# Undo: a2dismod lbmethod_byrequests proxy_balancer proxy_http proxy
# Undo: a2dismod slotmem_shm
step_modules() {
	a2enmod proxy proxy_http proxy_balancer lbmethod_byrequests
}

# Step 3: write and enable the site
# Paso 3: escribir y activar el sitio
# Changes: the site's file in sites-available; a link to it in sites-enabled; the
#   link of Debian's own page (000-default) is gone. The file brings a port of its
#   own, 8080, by its line Listen; /etc/apache2/ports.conf stays as it is.
# Cambia: el archivo del sitio en sites-available; un enlace a él en sites-enabled;
#   el enlace de la página propia de Debian (000-default) desaparece. El archivo
#   trae su propio puerto, 8080, con su línea Listen; /etc/apache2/ports.conf queda
#   como está.
# Look: the list shows proxylab.conf alone.
# Mira: la lista muestra solo proxylab.conf.
# Try: ls -l /etc/apache2/sites-enabled
# Fails: "ERROR: Site proxylabb does not exist!": a2ensite wants the name of the file
#   in sites-available, without .conf. "is a dangling symlink!": the file was moved
#   or deleted after it was enabled; put it back, or a2dissite it.
# Falla: "ERROR: Site proxylabb does not exist!": a2ensite quiere el nombre del archivo
#   de sites-available, sin .conf. "is a dangling symlink!": el archivo se movió o se
#   borró después de activarlo; devuélvelo a su lugar o usa a2dissite.
# Undo: a2dissite proxylab
# Undo: a2ensite 000-default
# Undo: rm /etc/apache2/sites-available/proxylab.conf
step_site() {
	install -m 644 "$1" /etc/apache2/sites-available/proxylab.conf
	a2dissite 000-default
	a2ensite proxylab
}

# Step 4: check the configuration
# Paso 4: comprobar la configuración
# Changes: nothing. Always do this before a restart: an Apache that runs goes on
#   with its old configuration, but one that stopped does not start with a
#   broken one.
# Cambia: nada. Hazlo siempre antes de reiniciar: un Apache en marcha sigue con su
#   configuración anterior, pero uno parado no arranca con una rota.
# Look: "Syntax OK". A warning AH00558 about the server's name does no harm.
# Mira: "Syntax OK". Un aviso AH00558 sobre el nombre del servidor no hace daño.
# Fails: "AH00526: Syntax error on line" goes on with the line and the file; below it
#   stands the reason. "Invalid command 'ProxyRequests'": step 2 was left out.
#   "unknown lbmethod lbmethod=byrequests": the module lbmethod_byrequests is missing.
#   "Cannot define multiple Listeners on the same IP:port": two files say Listen
#   with the same port.
# Falla: "AH00526: Syntax error on line" sigue con la línea y el archivo; debajo está
#   el motivo. "Invalid command 'ProxyRequests'": faltó el paso 2. "unknown lbmethod
#   lbmethod=byrequests": falta el módulo lbmethod_byrequests. "Cannot define multiple
#   Listeners on the same IP:port": dos archivos dicen Listen con el mismo puerto.
# Undo: none
step_check() {
	apachectl configtest
}

# Step 5: restart
# Paso 5: reiniciar
# Changes: the running Apache now has the modules, the socket and the site; one
#   that stood still is started. It listens on ports 80 and 8080. Nothing on disk
#   changes but the log files.
# Cambia: el Apache en marcha tiene ahora los módulos, el socket y el sitio; uno
#   parado arranca. Escucha en los puertos 80 y 8080. En el disco solo cambian los
#   archivos de registro.
# Look: the answer comes from an origin server; repeat it, and the members take
#   turns. The log is /var/log/apache2/proxylab_access.log; a "503 Service
#   Unavailable" is explained in proxylab_error.log beside it.
# Mira: la respuesta viene de un servidor de origen; repítelo y los miembros se
#   turnan. El registro es /var/log/apache2/proxylab_access.log; un "503 Service
#   Unavailable" se explica en proxylab_error.log, a su lado.
# Try: curl -si --retry 5 --retry-connrefused http://localhost:8080/
# Fails: "AH00072: make_sock: could not bind to address 0.0.0.0:8080": another program
#   has the port. curl says "Failed to connect": Apache does not run, or runs with
#   the configuration from before: this step was forgotten. In the error log,
#   "AH00957: http: attempt to connect to 127.0.0.1:8081 (127.0.0.1:8081) failed": no
#   origin server is there, and by "AH00959: ap_proxy_connect_backend disabling worker"
#   that member is not asked again for 60 s. "AH00934: all workers are busy", or
#   without a balancer "AH01144: No protocol handler was valid": the module
#   proxy_http is missing. "AH01177: Failed to lookup provider 'shm' for 'slotmem'":
#   the module slotmem_shm is missing, and Apache has stopped.
# Falla: "AH00072: make_sock: could not bind to address 0.0.0.0:8080": otro programa
#   tiene el puerto. curl dice "Failed to connect": Apache no está en marcha, o sigue
#   con la configuración de antes: se olvidó este paso. En el registro de errores,
#   "AH00957: http: attempt to connect to 127.0.0.1:8081 (127.0.0.1:8081) failed": ahí
#   no hay servidor de origen, y por "AH00959: ap_proxy_connect_backend disabling worker"
#   no se le pregunta durante 60 s. "AH00934: all workers are busy", o sin balanceador
#   "AH01144: No protocol handler was valid": falta el módulo proxy_http. "AH01177:
#   Failed to lookup provider 'shm' for 'slotmem'": falta el módulo slotmem_shm y
#   Apache se ha parado.
# Undo: apachectl stop
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
