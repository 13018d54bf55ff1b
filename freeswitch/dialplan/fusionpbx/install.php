<?php
/*
 * Installs the dialplan entries of fsdaemon/ in FusionPBX, with the script of one of them, or removes them:
 *
 *   php install.php [--remove] [--socket=HOST:PORT] [/var/www/fusionpbx]
 *
 * It does what Upgrade > App Defaults does for an app, with FusionPBX's own import, rendering and cache. It changes
 * only its own entries, which it identifies by their app_uuid. Run it again to update them; a disabled entry stays
 * disabled.
 */

umask(022); // the web server has to read the files that root writes here

function fail($message) {
	fwrite(STDERR, "install.php: $message\n");
	exit(1);
}

$root = '/var/www/fusionpbx';
$socket = '127.0.0.1:8084';
$remove = false;
foreach (array_slice($argv, 1) as $argument) {
	if ($argument === '--remove') {
		$remove = true;
	} elseif (preg_match('/^--socket=([A-Za-z0-9.|:-]+:[0-9]+)$/', $argument, $found)) {
		$socket = $found[1]; // becomes part of a line of Lua, and must not be able to end its string
	} elseif (substr($argument, 0, 1) !== '-') {
		$root = rtrim($argument, '/');
	} else {
		fail("unknown argument $argument; usage: php install.php [--remove] [--socket=HOST:PORT] [/var/www/fusionpbx]");
	}
}
if (!preg_match('#^/[\w./-]+$#', $root)) {
	fail("the path of FusionPBX may have letters, digits and . _ - / only: $root"); // it stands in a dialplan entry
}
if (!is_file("$root/resources/require.php") || !is_dir("$root/app/dialplans")) {
	fail("FusionPBX was not found in $root");
}

$source = __DIR__ . '/fsdaemon/resources/switch';
$target = "$root/app/fsdaemon/resources/switch";
$entries = array();
foreach (glob("$source/conf/dialplan/*.xml") as $file) {
	$entries[(string) simplexml_load_file($file)['app_uuid']] = basename($file);
}
$files = array_map(function ($file) use ($source) {
	return substr($file, strlen($source) + 1);
}, array_merge(glob("$source/conf/dialplan/*.xml"), glob("$source/scripts/*.lua")));
// An installation that fails half-way, or a file that stays, would be imported again by the next upgrade.
foreach ($files as $file) {
	for ($place = dirname("$target/$file"); !file_exists($place); $place = dirname($place));
	if (!is_dir($place) || !is_writable($place)) {
		fail("may not write to $place; nothing was changed; run this as root");
	}
}
$no_session = true;
require "$root/resources/require.php";
if (empty($database)) {
	$database = new database; // older versions do not create it
}
if ($database->select('select 1 as one from v_domains limit 1', null, 'column') != 1) {
	fail('FusionPBX has no database or no domain yet');
}

$off = array();
foreach (array_keys($entries) as $app_uuid) {
	$ours = array('app_uuid' => $app_uuid);
	$sql = "select count(*) from v_dialplans where app_uuid = :app_uuid and dialplan_enabled = 'false'";
	if ($database->select($sql, $ours, 'column') > 0) {
		$off[] = $app_uuid;
	}
	$database->execute('delete from v_dialplan_details where dialplan_uuid in (select dialplan_uuid from v_dialplans where app_uuid = :app_uuid)', $ours);
	$database->execute('delete from v_dialplans where app_uuid = :app_uuid', $ours);
}
foreach ($files as $file) {
	@unlink("$target/$file");
	for ($empty = dirname("$target/$file"); $empty !== "$root/app" && @rmdir($empty); $empty = dirname($empty));
}

if (!$remove) {
	foreach ($files as $file) {
		$place = dirname("$target/$file");
		if (!is_dir($place) && !mkdir($place, 0755, true)) {
			fail("cannot create $place");
		}
		$site = array('127.0.0.1:8084' => $socket, '/var/www/fusionpbx' => $root);
		if (file_put_contents("$target/$file", strtr(file_get_contents("$source/$file"), $site)) === false) {
			fail("cannot write $target/$file");
		}
	}
	$dialplan = new dialplan;
	$dialplan->import($database->select('select * from v_domains', null, 'all'));
	foreach ($entries as $app_uuid => $file) {
		$ours = array('app_uuid' => $app_uuid);
		$sql = "select count(*) from v_dialplans where app_uuid = :app_uuid and dialplan_xml like '<extension%'";
		if ($database->select($sql, $ours, 'column') != 1) {
			fail("FusionPBX did not import $file; see its log");
		}
		if (in_array($app_uuid, $off)) {
			$database->execute("update v_dialplans set dialplan_enabled = 'false' where app_uuid = :app_uuid", $ours);
		}
	}
}
$cache = new cache;
$cache->flush();
// config.conf says where FreeSWITCH's cache is; the class cache does not read it in every version.
$set = function ($key) use ($config) {
	return is_object($config ?? null) && method_exists($config, 'get') ? (string) $config->get($key, '') : '';
};
if ($set('cache.method') === 'memcache' && method_exists('event_socket', 'api')) {
	event_socket::api('memcache flush');
} elseif ($set('cache.location') !== '') {
	array_map('unlink', glob($set('cache.location') . '/dialplan.*') ?: array());
}
echo $remove ? "removed\n" : "installed, asking $socket" . ($off ? '; switched off, as before' : '') . "\n";
