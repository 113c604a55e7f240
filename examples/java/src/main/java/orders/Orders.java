package orders;

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.jwk.source.RateLimitReachedException;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jose.util.Resource;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.text.ParseException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A resource server: it answers GET /orders to whoever has an access token (RFC 9068) of ISSUER for
 * AUDIENCE with the permission orders:read. Nobody is asked per token: keys and the revocation list
 * are fetched beside the requests, and without a recent list the answer is 503.
 */
public final class Orders {
  private static final String ISSUER = env("ISSUER", null), AUDIENCE = env("AUDIENCE", null);
  private static final double INTERVAL = Double.parseDouble(env("REVOCATION_INTERVAL", "15")); // seconds between two fetches
  private static final double MAX_AGE = Double.parseDouble(env("REVOCATION_MAX_AGE", "60")); // without a list for so long: 503
  private static final int LEEWAY = 10; // seconds that clocks may differ

  // RFC 8725 section 3.1: what may sign is said here, never by the token. No HS256 and its like:
  // anybody could sign with the public key as the secret. EdDSA would need Tink beside Nimbus.
  private static final Set<JWSAlgorithm> ALGORITHMS = Set.of(JWSAlgorithm.ES256, JWSAlgorithm.ES384,
      JWSAlgorithm.PS256, JWSAlgorithm.PS384, JWSAlgorithm.PS512, JWSAlgorithm.RS256, JWSAlgorithm.RS384, JWSAlgorithm.RS512);

  private static final HttpClient HTTP = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build(); // no redirects

  /** Verifies what the issuer has signed, once it is known. */
  private record Verifiers(URI revocationList, DefaultJWTProcessor<SecurityContext> tokens, DefaultJWTProcessor<SecurityContext> lists) {}

  /** A revocation list; asked is when it was asked for, in System.nanoTime. */
  private record Revocations(Map<String, Long> before, Date issued, long asked) {}

  private static volatile Verifiers verifiers;
  private static volatile Revocations revocations;

  private static String env(String name, String otherwise) {
    String value = System.getenv().getOrDefault(name, otherwise);
    if (value == null) {
      throw new IllegalArgumentException(name + " must be set");
    }
    return value;
  }

  private static String get(URI uri) throws IOException {
    // RFC 8414 section 2: https, but for an issuer on this machine.
    if (!"https".equals(uri.getScheme()) && !Set.of("localhost", "127.0.0.1", "[::1]").contains(String.valueOf(uri.getHost()))) {
      throw new IOException(uri + " is not https");
    }
    try {
      var response = HTTP.send(HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(5)).build(), BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new IOException(uri + " answers " + response.statusCode());
      }
      return response.body();
    } catch (InterruptedException e) {
      throw new InterruptedIOException();
    }
  }

  private static Verifiers discover() throws IOException, ParseException {
    var metadata = JSONObjectUtils.parse(get(URI.create(ISSUER.replaceFirst("/$", "") + "/.well-known/openid-configuration")));
    if (!ISSUER.equals(metadata.get("issuer"))) { // RFC 8414 section 3.3: metadata of somebody else must not be used
      throw new IOException("the metadata are of " + metadata.get("issuer") + ", not of " + ISSUER);
    }
    // Kept for 5 minutes. Nimbus asks again for a kid that it does not know, but at most twice in 30 s:
    // anybody can make one up. The issuer publishes keys 300 s before they sign.
    JWKSource<SecurityContext> keys = JWKSourceBuilder.create(
        JSONObjectUtils.getURI(metadata, "jwks_uri").toURL(), url -> new Resource(get(URI.create(url.toString())), "application/json")).build();
    return new Verifiers(JSONObjectUtils.getURI(metadata, "revocation_list_uri"),
        processor(keys, AUDIENCE, Set.of("exp", "sub", "iat", "jti", "client_id"), "at+jwt", "application/at+jwt"), // RFC 9068 section 4
        processor(keys, null, Set.of("exp", "iat"), "revocation-list+jwt"));
  }

  private static DefaultJWTProcessor<SecurityContext> processor(
      JWKSource<SecurityContext> keys, String audience, Set<String> required, String... types) {
    var claims = new DefaultJWTClaimsVerifier<>(audience, new JWTClaimsSet.Builder().issuer(ISSUER).build(), required);
    claims.setMaxClockSkew(LEEWAY); // not set, it is a minute
    var processor = new DefaultJWTProcessor<SecurityContext>();
    // RFC 8725 section 3.11: of this type and no other; not set, Nimbus takes "JWT" and none.
    processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(Arrays.stream(types).map(JOSEObjectType::new).toArray(JOSEObjectType[]::new)));
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(ALGORITHMS, keys));
    processor.setJWTClaimsSetVerifier(claims);
    return processor;
  }

  private static void refresh() {
    try {
      if (verifiers == null) {
        verifiers = discover();
      }
      long asked = System.nanoTime();
      var claims = verifiers.lists().process(get(verifiers.revocationList()), null);
      var last = revocations;
      if (last != null && claims.getIssueTime().before(last.issued())) {
        throw new IOException("the revocation list is older than the one before");
      }
      var before = new HashMap<String, Long>();
      for (Map<String, Object> entry : JSONObjectUtils.getJSONObjectArray(claims.toJSONObject(), "entries")) {
        String kind = JSONObjectUtils.getString(entry, "kind"), place = kind;
        if (!Set.of("jti", "sid", "sub", "kid", "all").contains(kind)) {
          continue; // of a later version
        }
        if (!kind.equals("all")) {
          place += " " + JSONObjectUtils.getString(entry, "hash");
          if (!place.matches("... [\\w-]{22}")) {
            throw new IOException("the revocation list has a bad entry");
          }
        }
        before.merge(place, JSONObjectUtils.getLong(entry, "before"), Math::max);
      }
      revocations = new Revocations(before, claims.getIssueTime(), asked);
    } catch (Exception e) { // whatever it is, the next time may be better
      System.err.println("the issuer cannot be asked: " + e);
    }
  }

  private static boolean revoked(Revocations list, String kid, JWTClaimsSet claims) throws Exception {
    long issued = claims.getIssueTime().getTime() / 1000;
    if (issued < list.before().getOrDefault("all", 0L)) {
      return true;
    }
    String[][] values = {{"jti", claims.getJWTID()}, {"sid", claims.getStringClaim("sid")}, {"sub", claims.getSubject()}, {"kid", kid}};
    for (String[] value : values) {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(String.valueOf(value[1]).getBytes(StandardCharsets.UTF_8));
      String hash = Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(digest, 16));
      if (issued < list.before().getOrDefault(value[0] + " " + hash, 0L)) {
        return true;
      }
    }
    return false;
  }

  /** The claims of a token for this service (RFC 9068 section 4). */
  private static JWTClaimsSet access(String token) throws Exception {
    var list = revocations;
    if (list == null || System.nanoTime() - list.asked() > MAX_AGE * 1e9) { // before all else: there may be no keys either
      throw new IOException("no recent revocation list");
    }
    var parsed = SignedJWT.parse(token);
    var claims = verifiers.tokens().process(parsed, null);
    claims.getStringClaim("client_id"); // it throws where that is no string
    if (claims.getIssueTime().getTime() > System.currentTimeMillis() + LEEWAY * 1000L) { // Nimbus does not look at it
      throw new BadJOSEException("it was issued in the future");
    }
    if (revoked(list, parsed.getHeader().getKeyID(), claims)) {
      throw new BadJOSEException("it was revoked");
    }
    return claims;
  }

  /** Lets in who may do that: the claims, or null once it has answered. */
  private static JWTClaimsSet needs(String permission, HttpExchange exchange) throws IOException {
    String header = exchange.getRequestHeaders().getFirst("Authorization"), challenge = "Bearer realm=\"orders\"";
    if (header == null || !header.regionMatches(true, 0, "Bearer ", 0, 7)) {
      return refuse(exchange, 401, challenge); // RFC 6750 section 3.1: no token, no error code
    }
    try {
      var claims = access(header.substring(7).trim());
      if (claims.getClaim("permissions") instanceof List<?> held && held.contains(permission)) {
        return claims;
      }
      return refuse(exchange, 403, challenge + ", error=\"insufficient_scope\", scope=\"" + permission + "\"");
    } catch (RateLimitReachedException | BadJOSEException | ParseException e) {
      System.err.println("a token was refused: " + e.getMessage()); // the caller need not know why
      return refuse(exchange, 401, challenge + ", error=\"invalid_token\"");
    } catch (Exception e) { // that no keys or no list could be fetched is not the token's fault
      System.err.println("cannot tell whether a token is good: " + e);
      exchange.getResponseHeaders().set("Retry-After", "5");
      return refuse(exchange, 503, null);
    }
  }

  private static JWTClaimsSet refuse(HttpExchange exchange, int status, String challenge) throws IOException {
    if (challenge != null) {
      exchange.getResponseHeaders().set("WWW-Authenticate", challenge);
    }
    answer(exchange, status, Map.of("status", status));
    return null;
  }

  private static void answer(HttpExchange exchange, int status, Map<String, ?> body) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.getResponseHeaders().set("Cache-Control", "no-store");
    byte[] bytes = JSONObjectUtils.toJSONString(body).getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      switch (exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath()) {
        case "GET /health" -> answer(exchange, 200, Map.of("status", "ok"));
        case "GET /orders" -> {
          var claims = needs("orders:read", exchange);
          if (claims != null) {
            answer(exchange, 200, Map.of("orders", List.of(Map.of("id", 1, "item", "tea")), "subject", claims.getSubject()));
          }
        }
        default -> answer(exchange, 404, Map.of("status", 404));
      }
    }
  }

  public static void main(String[] args) throws IOException {
    var background = Executors.newSingleThreadScheduledExecutor();
    background.scheduleWithFixedDelay(Orders::refresh, 0, Math.round(INTERVAL * 1000), TimeUnit.MILLISECONDS);
    var server = HttpServer.create(new InetSocketAddress(env("HOST", "127.0.0.1"), Integer.parseInt(env("PORT", "8000"))), 0);
    server.createContext("/", Orders::handle);
    server.setExecutor(Executors.newFixedThreadPool(16));
    server.start();
    System.out.println("listening on http://" + env("HOST", "127.0.0.1") + ":" + server.getAddress().getPort());
  }
}
